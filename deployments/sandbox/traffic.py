"""The visitors' requests: how many, which deployment answers them, how fast, and how many fail.

Nothing is stored. All figures follow from the service and the time, so they are always the same.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from deployments.sandbox.rows import DeploymentRow, ServiceRow
from deployments.sandbox.state import LOWER, SandboxState, digits

DAY = 86400.0
SLOT = 10.0  # seconds between two sampled requests
KEPT = 7 * DAY  # seconds for which samples are available
PATHS = {
    "render": [
        "GET /api/products",
        "GET /api/basket",
        "POST /api/checkout",
        "GET /api/orders",
        "PUT /api/basket",
    ],
    "vercel": ["GET /", "GET /products", "GET /basket", "GET /checkout", "GET /account"],
}


@dataclass(frozen=True, slots=True)
class RequestSample:
    """One visitor's request, for the logs."""

    at: float
    deployment: DeploymentRow
    method: str
    path: str
    status: int
    latency_ms: float


def pseudo_random(*words: object) -> float:
    """A number from 0 to below 1, always the same for the same words."""
    return zlib.crc32("/".join(map(str, words)).encode()) / 2**32


def request_rate(service: ServiceRow, at: float) -> float:
    """Requests per second: more by day than by night, and slightly irregular."""
    day = 1 + 0.6 * math.sin(2 * math.pi * (at % DAY) / DAY - math.pi / 2)
    return service.requests_per_minute / 60 * day * (0.92 + 0.16 * pseudo_random(service.id, int(at // 60)))


def serving_deployment(state: SandboxState, service: ServiceRow, at: float) -> DeploymentRow | None:
    """The deployment that really answers visitors at a time."""
    deployment_id = service.serving(at)
    return state.deployments[deployment_id] if deployment_id else None


def behaviour_at(service: ServiceRow, deployment: DeploymentRow, at: float) -> tuple[float, float]:
    """The share of errors and the latency in ms at a time: the deployment's, and what is no deployment's."""
    live_for = service.live_for(deployment.id, at)
    error_rate, latency_ms = deployment.error_rate, deployment.latency_ms
    for step in sorted(deployment.course, key=attrgetter("after")):
        if live_for >= step.after:
            error_rate, latency_ms = step.error_rate, step.latency_ms
    for trouble in service.troubles:
        if trouble.since <= at and (trouble.until is None or at < trouble.until):
            error_rate, latency_ms = error_rate + trouble.error_rate, latency_ms + trouble.latency_ms
    return min(error_rate, 1.0), latency_ms


def requests_by_status(state: SandboxState, service: ServiceRow, at: float, seconds: float) -> dict[str, int]:
    """Count of requests by HTTP status in so many seconds from `at` on."""
    deployment = serving_deployment(state, service, at + seconds / 2)
    if deployment is None:
        return {}
    total = request_rate(service, at) * seconds
    error_rate, _ = behaviour_at(service, deployment, at + seconds / 2)
    failing = min(error_rate * (0.85 + 0.3 * pseudo_random(service.id, "errors", int(at // 60))), 1.0)
    lost = min(0.012, 1 - failing)
    shares = {"200": 1 - failing - lost, "404": lost, "500": failing}
    return {code: _whole(total * share, service.id, code, at) for code, share in shares.items()}


def _whole(expected: float, *words: object) -> int:
    """A whole number that is the expected one on average, also where that is far below 1."""
    return math.floor(expected + pseudo_random(*words))


def latency(state: SandboxState, service: ServiceRow, at: float, quantile: float) -> float:
    """The latency in milliseconds below which that share of the requests stayed."""
    deployment = serving_deployment(state, service, at)
    if deployment is None:
        return 0.0
    _, latency_ms = behaviour_at(service, deployment, at)
    tail = 0.35 - math.log(max(1 - quantile, 0.001)) / 3
    return round(latency_ms * tail * (0.9 + 0.2 * pseudo_random(service.id, "latency", int(at // 60))), 1)


def request_samples(
    state: SandboxState, service: ServiceRow, start: float, end: float, *, newest_first: bool
) -> Iterator[RequestSample]:
    """A sample of the requests, one in every ten seconds."""
    first, last = math.ceil(max(start, state.now() - KEPT) / SLOT), math.floor(end / SLOT)
    numbers = range(last, first - 1, -1) if newest_first else range(first, last + 1)
    for number in numbers:
        at = number * SLOT
        deployment = serving_deployment(state, service, at)
        if deployment is None:
            continue
        paths = PATHS[service.provider]
        method, path = paths[int(pseudo_random(service.id, "path", number) * len(paths))].split()
        error_rate, latency_ms = behaviour_at(service, deployment, at)
        failed = pseudo_random(service.id, "sample", number) < error_rate
        share = 0.5 + pseudo_random(service.id, "duration", number)
        yield RequestSample(
            at, deployment, method, path, 500 if failed else 200, round(latency_ms * share, 1)
        )


def instances(service: ServiceRow, deployment: DeploymentRow) -> list[str]:
    """Names of the two instances that run a deployment; each deployment has its own."""
    return [f"{service.id}-{digits(f'{deployment.id}/{number}', LOWER, 5)}" for number in range(2)]
