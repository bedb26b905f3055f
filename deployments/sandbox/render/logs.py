"""Render's API calls for logs, computed from the deployments and the traffic.

Reference: https://api-docs.render.com/reference/list-logs
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from typing import Any

from deployments.sandbox import traffic
from deployments.sandbox.log_lines import failing_start
from deployments.sandbox.rows import ApiRefusal, DeploymentRow, ServiceRow, rfc3339
from deployments.sandbox.server.http import Request, Route, SandboxResponse, route
from deployments.sandbox.state import LOWER, digits
from deployments.sandbox.world import World

HOUR = 3600.0
FILTERS = ("type", "level", "statusCode", "method", "path", "text", "instance", "host")
BUILD_LOG = (
    "==> Cloning from {repo}",
    "==> Checking out commit {sha} in branch main",
    "==> Running build command 'pip install -r requirements.txt'...",
    "Successfully installed django-5.2 gunicorn-23.0",
    "==> Uploading build...",
    "==> Build successful",
)


class RenderLogs:
    """The routes for logs, and their handlers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.routes: list[Route] = [
            route("GET", "/v1/logs", "render.logs", self.logs),
            route("GET", "/v1/logs/values", "render.log_values", self.log_values),
        ]

    def logs(self, request: Request) -> SandboxResponse:
        services = self._services(request)
        if not request.value("ownerId") or not services:
            raise ApiRefusal(400, "ownerId and resource are required")
        now = self.world.now()
        start, end = request.time("startTime", now - HOUR), min(request.time("endTime", now), now)
        backward = request.value("direction", "backward") == "backward"
        limit = request.number("limit", 20, low=1, high=100)
        lines: list[dict[str, Any]] = []
        for service in services:
            lines += self._matching_lines(request, service, start, end, backward, limit + 1)
        lines.sort(key=lambda line: str(line["timestamp"]), reverse=backward)
        page = lines[:limit]
        border = page[-1]["timestamp"] if page else rfc3339(end)
        return SandboxResponse.json(
            {
                "hasMore": len(lines) > limit,
                "nextStartTime": rfc3339(start) if backward else border,
                "nextEndTime": border if backward else rfc3339(end),
                "logs": page,
            }
        )

    def log_values(self, request: Request) -> SandboxResponse:
        """Reference: https://api-docs.render.com/reference/list-logs-values"""
        values = {
            "type": ["app", "build", "request"],
            "level": ["error", "info"],
            "statusCode": ["200", "500"],
            "method": ["GET", "POST", "PUT"],
            "host": [domain for service in self._services(request) for domain in service.domains],
        }
        label = request.value("label")
        return SandboxResponse.json(
            self._instances(request) if label == "instance" else values.get(label, [])
        )

    def _instances(self, request: Request) -> list[str]:
        now = self.world.now()
        start, end = request.time("startTime", now - HOUR), min(request.time("endTime", now), now)
        found: dict[str, None] = {}
        for service in self._services(request):
            for line in (
                *self._request_lines(service, start, end, True),
                *self._written(service, start, end),
            ):
                found |= {label["value"]: None for label in line["labels"] if label["name"] == "instance"}
        return list(found)

    def _matching_lines(
        self, request: Request, service: ServiceRow, start: float, end: float, backward: bool, count: int
    ) -> list[dict[str, Any]]:
        wanted = request.values("type") or ["app", "request", "build"]
        lines: list[dict[str, Any]] = []
        if set(wanted) & {"app", "request"}:
            for line in self._request_lines(service, start, end, backward):
                if self._matches_filters(request, line):
                    lines.append(line)
                    if len(lines) >= count:
                        break
        if "app" in wanted:
            written = [
                line for line in self._written(service, start, end) if self._matches_filters(request, line)
            ]
            written.sort(key=lambda line: str(line["timestamp"]))
            lines += written[::-1] if backward else written  # also those of the same millisecond
        if "build" in wanted:
            lines += [
                line
                for line in self._build_lines(service, start, end)
                if self._matches_filters(request, line)
            ]
        return lines

    def _request_lines(
        self, service: ServiceRow, start: float, end: float, backward: bool
    ) -> Iterator[dict[str, Any]]:
        for sample in traffic.request_samples(self.world, service, start, end, newest_first=backward):
            instance = traffic.instances(service, sample.deployment)[round(sample.at / traffic.SLOT) % 2]
            labels = {
                "type": "request", "level": "error" if sample.status >= 500 else "info",
                "statusCode": str(sample.status), "method": sample.method, "path": sample.path,
                "host": service.domains[0], "instance": instance,
            }  # fmt: skip
            text = f"{sample.method} {sample.path} {sample.status} {sample.latency_ms:.0f}ms"
            lines = [self._line(service, sample.at, text, labels)]
            if sample.status >= 500:
                labels = {"type": "app", "level": "error", "instance": instance}
                text = f"ERROR django.request: Internal Server Error: {sample.path} KeyError: 'rounded_total'"
                lines.append(self._line(service, sample.at + 0.002, text, labels))
            yield from (lines[::-1] if backward else lines)

    def _written(self, service: ServiceRow, start: float, end: float) -> Iterator[dict[str, Any]]:
        """What somebody has made the service write, and what deployments write that fail at their start."""
        for at, text, level in service.written:
            if start <= at <= end:
                yield self._line(service, at, text, {"type": "app", "level": level})
        for deploy in self.world.history[service.id]:
            began = deploy.built_at or deploy.started_at
            if deploy.outcome != "update_failed" or began is None:
                continue
            until = deploy.finished_at or self.world.now()
            lines = failing_start(service.name)
            labels = {"type": "app", "instance": traffic.instances(service, deploy)[0]}
            for number, line in enumerate(lines):
                at = began + (until - began) * number / (len(lines) - 1)
                if start <= at <= min(end, until):
                    yield self._line(service, at, line.text, {**labels, "level": line.level})

    def _build_lines(self, service: ServiceRow, start: float, end: float) -> Iterator[dict[str, Any]]:
        for deploy in self.world.history[service.id]:
            until = deploy.built_at or deploy.finished_at or self.world.now()
            if (
                deploy.started_at is None
                or deploy.rollback_target
                or until < start
                or deploy.started_at > end
            ):
                continue
            for at, text in self._build_log(service, deploy, until):
                if start <= at <= min(end, until):
                    yield self._line(service, at, text, {"type": "build", "level": "info"})

    def _build_log(
        self, service: ServiceRow, deploy: DeploymentRow, until: float
    ) -> Iterator[tuple[float, str]]:
        began = deploy.started_at or deploy.created_at
        lines = list(BUILD_LOG)
        if deploy.status == "build_failed":
            lines[-3:] = ["ERROR: No matching distribution found for taxes==4.1", "==> Build failed"]
        for number, text in enumerate(lines):
            at = began + (until - began) * number / (len(lines) - 1)
            yield at, text.format(repo=service.repo, sha=deploy.commit)

    def _line(self, service: ServiceRow, at: float, text: str, labels: dict[str, str]) -> dict[str, Any]:
        return {
            "id": digits(f"{service.id}/{at}/{text!a}", LOWER, 20),
            "message": text,
            "timestamp": rfc3339(at),
            "labels": [{"name": "resource", "value": service.id}]
            + [{"name": name, "value": value} for name, value in labels.items()],
        }

    def _matches_filters(self, request: Request, line: dict[str, Any]) -> bool:
        facts = {label["name"]: label["value"] for label in line["labels"]} | {"text": line["message"]}
        return all(
            any(matches(word, facts.get(name, ""), inside=name == "text") for word in request.values(name))
            for name in FILTERS
            if request.values(name)
        )

    def _services(self, request: Request) -> list[ServiceRow]:
        rows = [self.world.services.get(service_id) for service_id in request.values("resource")]
        return [row for row in rows if row is not None and row.provider == "render"]


def matches(pattern: str, word: str, *, inside: bool) -> bool:
    """`*` is a wildcard and `/…/` a regular expression; `inside` finds the pattern anywhere in the word."""
    if len(pattern) > 1 and pattern.startswith("/") and pattern.endswith("/"):
        return _searched(pattern[1:-1], word)
    return fnmatch.fnmatchcase(word, f"*{pattern}*" if inside else pattern)


def _searched(expression: str, word: str) -> bool:
    try:
        return re.search(expression, word) is not None
    except re.error as error:
        raise ApiRefusal(400, f"invalid regular expression: {error}") from None
