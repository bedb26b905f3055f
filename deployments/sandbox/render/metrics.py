"""Render's API calls for instances and metrics, computed from the simulated traffic.

Reference: https://api-docs.render.com/reference/get-cpu
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployments.sandbox import traffic
from deployments.sandbox.rows import ApiRefusal, DeploymentRow, ServiceRow, rfc3339
from deployments.sandbox.server.http import Request, Route, SandboxResponse, route
from deployments.sandbox.world import World

HOUR = 3600.0
MOST_POINTS = 10_000  # a request for more is answered with 500
UNITS = {
    "cpu": "cpu", "memory": "bytes", "http-requests": "unitless", "http-latency": "ms",
    "instance-count": "instances",
}  # fmt: skip


class RenderMetrics:
    """The routes for instances and metrics, and their handlers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.routes: list[Route] = [
            route("GET", "/v1/services/{service_id}/instances", "render.instances", self.instances),
            route("GET", "/v1/metrics/{metric}", "render.metrics", self.metrics),
        ]

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
