"""Vercel's build events, runtime logs and request logs, read off the deployments and the traffic."""

from __future__ import annotations

import json
from typing import Any

from deployments.sandbox import traffic
from deployments.sandbox.rows import Deployment, Service, ms
from deployments.sandbox.server.http import Answer, Request
from deployments.sandbox.state import LOWER, digits
from deployments.sandbox.traffic import Visit
from deployments.sandbox.world import World

HOUR = 3600.0
PAGE = 50
BUILD_LOG = (
    ("command", "Running build in Frankfurt, Germany (West) – fra1"),
    ("stdout", "Cloning github.com/acme/shop (Branch: {branch}, Commit: {sha:.7})"),
    ("command", "npm run build"),
    ("stdout", "Creating an optimized production build ..."),
    ("stdout", "Compiled successfully"),
    ("stdout", "Build Completed in /vercel/output"),
)


class VercelLogs:
    def __init__(self, world: World) -> None:
        self.world = world

    def build_events(self, row: Deployment, request: Request) -> Answer:
        """Reference: https://vercel.com/docs/rest-api/deployments/get-deployment-events"""
        rows = self._build_events(row)
        limit = request.number("limit", -1, low=-1, high=10_000)
        rows = rows if limit < 0 else rows[:limit]
        if request.one("direction") == "backward":
            rows = rows[::-1]
        return Answer.json(rows)

    def builds(self, row: Deployment) -> Answer:
        state = "READY" if row.status == "READY" else "ERROR" if row.status == "ERROR" else "BUILDING"
        build = {
            "id": f"bld_{row.id[4:]}", "deploymentId": row.id, "entrypoint": "package.json",
            "readyState": state, "readyStateAt": ms(row.finished_at or row.created_at),
            "createdAt": ms(row.created_at), "createdIn": "fra1", "use": "@vercel/next", "output": [],
        }  # fmt: skip
        return Answer.json({"builds": [build]})

    def runtime_logs(self, project: Service, row: Deployment) -> Answer:
        """A stream of one JSON object per line; here it ends with the last line that there is.

        Reference: https://vercel.com/docs/rest-api/logs/get-logs-for-a-deployment
        """
        now = self.world.now()
        lines = [
            {
                "level": "error" if visit.status >= 500 else "info",
                "message": self._message(visit),
                "messageTruncated": False,
                "rowId": self._row_id(project, visit),
                "source": "serverless",
                "timestampInMs": ms(visit.at),
                "domain": project.domains[0],
                "requestMethod": visit.method,
                "requestPath": visit.path,
                "responseStatusCode": visit.status,
            }
            for visit in self._visits(project, row, now - HOUR / 4, now)
        ]
        body = "".join(f"{json.dumps(line)}\n" for line in reversed(lines))
        return Answer(200, body.encode(), [("Content-Type", "application/stream+json")])

    def request_logs(self, project: Service, request: Request) -> Answer:
        """What `vercel logs` reads."""
        now = self.world.now()
        row = self.world.deployments.get(request.one("deploymentId"))
        start, end = request.time("startDate", now - HOUR), request.time("endDate", now)
        visits = self._visits(project, row, start, min(end, now))
        levels, codes = request.every("level"), request.every("statusCode")
        visits = [
            visit
            for visit in visits
            if (not codes or str(visit.status) in codes)
            and (not levels or ("error" if visit.status >= 500 else "info") in levels)
        ]
        first = PAGE * request.number("page", 0, low=0, high=10_000)
        rows = [self._request_row(project, visit) for visit in visits[first : first + PAGE]]
        return Answer.json({"rows": rows, "hasMoreRows": len(visits) > first + PAGE})

    # --- inside ---

    def _build_events(self, row: Deployment) -> list[dict[str, Any]]:
        if row.started_at is None:
            return []
        now = self.world.now()
        until = row.finished_at or now
        lines = list(BUILD_LOG)
        if row.status == "ERROR":
            lines[-2:] = [("stderr", f"Error: {row.reason}")]
        elif row.status != "READY":
            lines = lines[: max(1, min(4, int((now - row.started_at) * 4)))]
        return [
            {
                "type": kind,
                "created": (at := ms(row.started_at + (until - row.started_at) * number / len(lines))),
                "payload": {
                    "deploymentId": row.id,
                    "info": {"type": "build", "name": f"bld_{row.id[4:]}", "entrypoint": "."},
                    "text": text.format(branch=row.branch, sha=row.commit),
                    "id": digits(f"{row.id}/{number}", LOWER, 20),
                    "date": at,
                    "serial": f"{at}{number:03d}",
                },
            }
            for number, (kind, text) in enumerate(lines)
        ]

    def _visits(self, project: Service, row: Deployment | None, start: float, end: float) -> list[Visit]:
        visits = traffic.visits(self.world, project, start, end, newest_first=True)
        return [visit for visit in visits if row is None or visit.deployment.id == row.id]

    def _request_row(self, project: Service, visit: Visit) -> dict[str, Any]:
        level = "error" if visit.status >= 500 else "info"
        return {
            "requestId": self._row_id(project, visit),
            "timestamp": ms(visit.at),
            "deploymentId": visit.deployment.id,
            "requestMethod": visit.method,
            "requestPath": visit.path,
            "statusCode": visit.status,
            "environment": "production",
            "branch": visit.deployment.branch,
            "cache": "MISS",
            "logs": [{"level": level, "message": self._message(visit)}],
            "events": [{"source": "serverless"}],
            "domain": project.domains[0],
        }

    def _message(self, visit: Visit) -> str:
        return f"{visit.method} {visit.path} {visit.status} in {visit.latency_ms:.0f}ms"

    def _row_id(self, project: Service, visit: Visit) -> str:
        return f"fra1::{digits(f'{project.id}/{visit.at}', LOWER, 5)}-{ms(visit.at)}"
