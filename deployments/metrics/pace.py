"""How often what is read, so that the calls stay within the providers' limits beside everything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from deployments.providers.base import Metric, ProviderName
from deployments.providers.rate_limit import LIMITS

MINUTE = 60.0
TRAFFIC, RESOURCES = "traffic", "resources"
PASS_EVERY = timedelta(seconds=15)
WATCHED_FOR = timedelta(minutes=60)  # after a deployment or an operation: harm often comes late


@dataclass(frozen=True, slots=True)
class MetricPart:
    """What is read together, and how often where the limits allow it. Each metric is a call."""

    metrics: tuple[Metric, ...]
    every: timedelta


PARTS: Mapping[str, MetricPart] = {
    TRAFFIC: MetricPart((Metric.REQUESTS, Metric.P95), timedelta(seconds=30)),
    RESOURCES: MetricPart((Metric.P50, Metric.CPU, Metric.MEMORY, Metric.INSTANCES), timedelta(minutes=5)),
}


@dataclass(frozen=True, slots=True)
class CallPlan:
    """The calls to Render a minute for so many services there.

    Attributes:
        wanted: what reading each part as often as it should be would take.
        calls: what is made of it, within their share of the limit.
        traffic_every, resources_every: seconds between two readings of a service; those that are watched
            wait less: seconds where a tenth of the services are watched.
    """

    services: int
    wanted: float
    calls: float
    traffic_every: float
    resources_every: float


def call_plan(services: int) -> CallPlan:
    """Where the share does not suffice, each part is read so many times more rarely as is needed."""
    wanted = services * sum(
        len(part.metrics) * MINUTE / part.every.total_seconds() for part in PARTS.values()
    )
    allowed = LIMITS[ProviderName.RENDER]["metrics"]
    stretch = max(1.0, wanted / allowed)
    traffic, resources = (part.every.total_seconds() * stretch for part in PARTS.values())
    return CallPlan(services, wanted, min(wanted, allowed), traffic, resources)


def watched_every(services: int) -> timedelta:
    """How often the traffic of what is watched is read, of so many services: a verdict waits for it.

    With each pass where the share suffices for all; else with every second one, so that the others are read.
    """
    plan = call_plan(services)
    return PASS_EVERY * (0.7 if plan.wanted <= plan.calls else 1.7)
