"""Render's API calls for logs, instances and metrics, computed from the simulated traffic.

Reference: https://api-docs.render.com/reference/list-logs and https://api-docs.render.com/reference/get-cpu
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from typing import Any

from deployments.sandbox import traffic
from deployments.sandbox.rows import ApiRefusal, DeploymentRow, ServiceRow, rfc3339
from deployments.sandbox.server.http import Request, Route, SandboxResponse, route
from deployments.sandbox.state import LOWER, digits
from deployments.sandbox.world import World

HOUR = 3600.0
MOST_POINTS = 10_000  # a request for more is answered with 500
FILTERS = ("type", "level", "statusCode", "method", "path", "text", "instance", "host")
UNITS = {
    "cpu": "cpu", "memory": "bytes", "http-requests": "unitless", "http-latency": "ms",
    "instance-count": "instances",
}  # fmt: skip
BUILD_LOG = (
    "==> Cloning from {repo}",
    "==> Checking out commit {sha} in branch main",
    "==> Running build command 'pip install -r requirements.txt'...",
    "Successfully installed django-5.2 gunicorn-23.0",
    "==> Uploading build...",
    "==> Build successful",
)


class RenderMetrics:
    """The routes for logs, instances and metrics, and their handlers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.routes: list[Route] = [
            route("GET", "/v1/services/{service_id}/instances", "render.instances", self.instances),
            route("GET", "/v1/logs", "render.logs", self.logs),
            route("GET", "/v1/logs/values", "render.log_values", self.log_values),
            route("GET", "/v1/metrics/{metric}", "render.metrics", self.metrics),
        ]

    # --- Logs ---

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
        values = {
            "type": ["app", "build", "request"],
            "level": ["error", "info"],
            "statusCode": ["200", "500"],
            "method": ["GET", "POST", "PUT"],
            "host": [domain for service in self._services(request) for domain in service.domains],
        }
        return SandboxResponse.json(values.get(request.value("label"), []))

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
            "id": digits(f"{service.id}/{at}/{text}", LOWER, 20),
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

    # --- Instances and metrics ---

    def instances(self, request: Request, service_id: str) -> SandboxResponse:
        service = self.world.render.find(service_id)
        deployment = traffic.serving_deployment(self.world, service, self.world.now())
        if deployment is None:
            return SandboxResponse.json([])
        since = rfc3339(deployment.started_at or deployment.created_at)
        names = traffic.instances(service, deployment)
        return SandboxResponse.json([{"id": name, "createdAt": since} for name in names])

    def metrics(self, request: Request, metric: str) -> SandboxResponse:
        if metric not in UNITS:
            raise ApiRefusal(404, f"there is no metric {metric}")
        now = self.world.now()
        start, end = request.time("startTime", now - HOUR), min(request.time("endTime", now), now)
        step = request.number("resolutionSeconds", 60, low=30, high=86_400)
        if (end - start) / step > MOST_POINTS:
            raise ApiRefusal(500, "internal server error")
        first = int(start // step) * step + step
        times = [float(at) for at in range(first, int(end) + 1, step)]
        series = [
            line
            for service in self._services(request)
            for line in self._series(request, metric, service, times)
        ]
        return SandboxResponse.json([{**line, "unit": UNITS[metric]} for line in series])

    def _series(
        self, request: Request, metric: str, service: ServiceRow, times: list[float]
    ) -> Iterator[dict[str, Any]]:
        step = times[1] - times[0] if len(times) > 1 else 60.0
        resource = {"field": "resource", "value": service.id}
        if metric == "http-requests":
            rows = [traffic.requests_by_status(self.world, service, at - step, step) for at in times]
            if request.value("aggregateBy") == "statusCode":
                for code in ("200", "404", "500"):
                    label = {"field": "statusCode", "value": code}
                    yield series([resource, label], times, [row.get(code, 0) for row in rows])
            else:
                yield series([resource], times, [sum(row.values()) for row in rows])
        elif metric == "http-latency":
            quantile = request.decimal("quantile", 0.95, low=0, high=1)
            values = [traffic.latency(self.world, service, at, quantile) for at in times]
            yield series([resource, {"field": "quantile", "value": str(quantile)}], times, values)
        elif metric == "instance-count":
            yield series([resource], times, [2 for _ in times])
        else:
            yield from self._per_instance(metric, service, times)

    def _per_instance(self, metric: str, service: ServiceRow, times: list[float]) -> Iterator[dict[str, Any]]:
        """One series for each instance, with points only while it ran."""
        ran = {deployment_id for at in times if (deployment_id := service.serving(at))}
        for deployment_id in sorted(ran):
            deployment = self.world.deployments[deployment_id]
            own = [at for at in times if service.serving(at) == deployment_id]
            for name in traffic.instances(service, deployment):
                values = [self._resource_use(metric, service, deployment, name, at) for at in own]
                yield series([{"field": "instance", "value": name}], own, values)

    def _resource_use(
        self, metric: str, service: ServiceRow, deployment: DeploymentRow, name: str, at: float
    ) -> float:
        wobble = 0.9 + 0.2 * traffic.pseudo_random(name, metric, int(at // 60))
        if metric == "memory":
            return round(310_000_000 * wobble)
        return round(traffic.request_rate(service, at) * deployment.latency_ms / 40_000 * wobble, 4)

    # --- Inside ---

    def _services(self, request: Request) -> list[ServiceRow]:
        rows = [self.world.services.get(service_id) for service_id in request.values("resource")]
        return [row for row in rows if row is not None and row.provider == "render"]


def series(labels: list[dict[str, str]], times: list[float], values: list[float]) -> dict[str, Any]:
    pairs = zip(times, values, strict=True)
    return {"labels": labels, "values": [{"timestamp": rfc3339(at), "value": value} for at, value in pairs]}


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
