"""Visitors: how many there are, which deployment answers them, how fast and how well. All from the clock.

Nothing here is stored: the same service at the same time always had the same visitors.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from deployments.sandbox.rows import Deployment, Service
from deployments.sandbox.state import LOWER, State, digits

DAY = 86400.0
SLOT = 10.0  # seconds between two logged requests
KEPT = 7 * DAY  # how long they are kept
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
class Visit:
    at: float
    deployment: Deployment
    method: str
    path: str
    status: int
    latency_ms: float


def chance(*words: object) -> float:
    """A number from 0 to below 1 that is always the same for the same words."""
    return zlib.crc32("/".join(map(str, words)).encode()) / 2**32


def visitors(service: Service, at: float) -> float:
    """Requests per second: more by day than by night, and a little uneven."""
    day = 1 + 0.6 * math.sin(2 * math.pi * (at % DAY) / DAY - math.pi / 2)
    return service.requests_per_minute / 60 * day * (0.92 + 0.16 * chance(service.id, int(at // 60)))


def served(state: State, service: Service, at: float) -> Deployment | None:
    deployment_id = service.serving(at)
    return state.deployments[deployment_id] if deployment_id else None


def counts(state: State, service: Service, at: float, seconds: float) -> dict[str, int]:
    """Requests by status code from `at` on."""
    answering = served(state, service, at + seconds / 2)
    if answering is None:
        return {}
    total = visitors(service, at) * seconds
    failing = answering.error_rate * (0.85 + 0.3 * chance(service.id, "errors", int(at // 60)))
    lost = 0.012
    return {
        "200": round(total * (1 - failing - lost)),
        "404": round(total * lost),
        "500": round(total * failing),
    }


def latency(state: State, service: Service, at: float, quantile: float) -> float:
    """Milliseconds that a share of the requests stayed below."""
    answering = served(state, service, at)
    if answering is None:
        return 0.0
    tail = 0.35 - math.log(max(1 - quantile, 0.001)) / 3
    return round(answering.latency_ms * tail * (0.9 + 0.2 * chance(service.id, "latency", int(at // 60))), 1)


def visits(
    state: State, service: Service, start: float, end: float, *, newest_first: bool
) -> Iterator[Visit]:
    """A sample of the single requests, one in each slot."""
    first, last = math.ceil(max(start, state.now() - KEPT) / SLOT), math.floor(end / SLOT)
    numbers = range(last, first - 1, -1) if newest_first else range(first, last + 1)
    for number in numbers:
        at = number * SLOT
        deployment = served(state, service, at)
        if deployment is None:
            continue
        paths = PATHS[service.provider]
        method, path = paths[int(chance(service.id, "path", number) * len(paths))].split()
        failed = chance(service.id, "visit", number) < deployment.error_rate
        share = 0.5 + chance(service.id, "duration", number)
        yield Visit(
            at, deployment, method, path, 500 if failed else 200, round(deployment.latency_ms * share, 1)
        )


def instances(service: Service, deployment: Deployment) -> list[str]:
    """Names of the instances that run a deployment: new ones with each release."""
    return [f"{service.id}-{digits(f'{deployment.id}/{number}', LOWER, 5)}" for number in range(2)]
