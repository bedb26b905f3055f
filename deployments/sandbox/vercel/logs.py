"""Vercel's build events, runtime logs and request logs, computed from the deployments and the traffic."""

from __future__ import annotations

import json
from typing import Any

from deployments.sandbox import traffic
from deployments.sandbox.log_lines import failing_build
from deployments.sandbox.rows import DeploymentRow, ServiceRow, ms
from deployments.sandbox.server.http import Request, SandboxResponse
from deployments.sandbox.state import LOWER, digits
from deployments.sandbox.traffic import RequestSample
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
    """The handlers for logs, called by `VercelDeployments`."""

    def __init__(self, world: World) -> None:
        self.world = world

    def build_events(self, row: DeploymentRow, request: Request) -> SandboxResponse:
        """Reference: https://vercel.com/docs/rest-api/deployments/get-deployment-events"""
        rows = self._build_events(row)
        limit = request.number("limit", -1, low=-1, high=10_000)
        rows = rows if limit < 0 else rows[:limit]
        if request.value("direction") == "backward":
            rows = rows[::-1]
        return SandboxResponse.json(rows)

    def builds(self, row: DeploymentRow) -> SandboxResponse:
        state = "READY" if row.status == "READY" else "ERROR" if row.status == "ERROR" else "BUILDING"
        build = {
            "id": f"bld_{row.id[4:]}", "deploymentId": row.id, "entrypoint": "package.json",
            "readyState": state, "readyStateAt": ms(row.finished_at or row.created_at),
            "createdAt": ms(row.created_at), "createdIn": "fra1", "use": "@vercel/next", "output": [],
        }  # fmt: skip
        return SandboxResponse.json({"builds": [build]})

    def runtime_logs(self, project: ServiceRow, row: DeploymentRow) -> SandboxResponse:
        """One JSON object per line. Vercel's stream goes on; this one ends with the newest line.

        Reference: https://vercel.com/docs/rest-api/logs/get-logs-for-a-deployment
        """
        now = self.world.now()
        lines = [
            {
                "level": "error" if sample.status >= 500 else "info",
                "message": self._message(sample),
                "messageTruncated": False,
                "rowId": self._row_id(project, sample),
                "source": "serverless",
                "timestampInMs": ms(sample.at),
                "domain": project.domains[0],
                "requestMethod": sample.method,
                "requestPath": sample.path,
                "responseStatusCode": sample.status,
            }
            for sample in self._samples(project, row, now - HOUR / 4, now)
        ]
        lines += [
            {
                "level": level if level in ("error", "warning") else "info",
                "message": text,
                "messageTruncated": False,
                "rowId": self._written_id(project, at),
                "source": "serverless",
                "timestampInMs": ms(at),
                "domain": project.domains[0],
                "requestMethod": "GET",
                "requestPath": "/",
                "responseStatusCode": 200,
            }
            for at, text, level in reversed(project.written)
            if now - HOUR / 4 <= at <= now
        ]
        body = "".join(f"{json.dumps(line)}\n" for line in reversed(lines))
        return SandboxResponse(200, body.encode(), [("Content-Type", "application/stream+json")])

    def request_logs(self, project: ServiceRow, request: Request) -> SandboxResponse:
        """The undocumented call that the CLI's `vercel logs` uses."""
        now = self.world.now()
        row = self.world.deployments.get(request.value("deploymentId"))
        start, end = request.time("startDate", now - HOUR), request.time("endDate", now)
        samples = self._samples(project, row, start, min(end, now))
        levels, codes = request.values("level"), request.values("statusCode")
        samples = [
            sample
            for sample in samples
            if (not codes or str(sample.status) in codes)
            and (not levels or ("error" if sample.status >= 500 else "info") in levels)
        ]
        first = PAGE * request.number("page", 0, low=0, high=10_000)
        rows = [self._request_row(project, sample) for sample in samples[first : first + PAGE]]
        return SandboxResponse.json({"rows": rows, "hasMoreRows": len(samples) > first + PAGE})

    # --- Inside ---

    def _build_events(self, row: DeploymentRow) -> list[dict[str, Any]]:
        if row.started_at is None:
            return []
        now = self.world.now()
        until = row.finished_at or now
        lines = list(BUILD_LOG)
        if row.status == "ERROR":
            name = self.world.services[row.service_id].name
            failing = [
                ("stderr" if line.level == "error" else "stdout", line.text) for line in failing_build(name)
            ]
            lines[-2:] = [*failing, ("stderr", f"Error: {row.reason}")]
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

    def _samples(
        self, project: ServiceRow, row: DeploymentRow | None, start: float, end: float
    ) -> list[RequestSample]:
        samples = traffic.request_samples(self.world, project, start, end, newest_first=True)
        return [sample for sample in samples if row is None or sample.deployment.id == row.id]

    def _request_row(self, project: ServiceRow, sample: RequestSample) -> dict[str, Any]:
        level = "error" if sample.status >= 500 else "info"
        return {
            "requestId": self._row_id(project, sample),
            "timestamp": ms(sample.at),
            "deploymentId": sample.deployment.id,
            "requestMethod": sample.method,
            "requestPath": sample.path,
            "statusCode": sample.status,
            "environment": "production",
            "branch": sample.deployment.branch,
            "cache": "MISS",
            "logs": [{"level": level, "message": self._message(sample)}],
            "events": [{"source": "serverless"}],
            "domain": project.domains[0],
        }

    def _message(self, sample: RequestSample) -> str:
        return f"{sample.method} {sample.path} {sample.status} in {sample.latency_ms:.0f}ms"

    def _written_id(self, project: ServiceRow, at: float) -> str:
        return f"fra1::{digits(f'{project.id}/written/{at}', LOWER, 5)}-{ms(at)}"

    def _row_id(self, project: ServiceRow, sample: RequestSample) -> str:
        return f"fra1::{digits(f'{project.id}/{sample.at}', LOWER, 5)}-{ms(sample.at)}"
