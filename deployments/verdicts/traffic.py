"""Rows of what was measured as points of traffic, each window in one resolution."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from deployments.analysis.points import TrafficPoint, TrafficSource
from deployments.metrics.series import is_finest, points
from deployments.metrics.storage import RESOLUTIONS, ROLLUP, Point
from deployments.models import MetricPoint, MetricSource
from rollback_portal.jobs import clock


def traffic_of(service_id: int, since: datetime, until: datetime) -> list[TrafficPoint]:
    """Of one service, both sources: as read where that is kept and up to 6 h, else by five minutes."""
    rows = points([service_id], since, until).get(service_id, {})
    finest = is_finest(since, until, clock.now())
    return [
        _point(row, float(RESOLUTIONS[source] if finest else ROLLUP))
        for source, own in rows.items()
        for row in own
    ]


def traffic_as_read(
    services: Iterable[int], since: datetime, until: datetime
) -> Mapping[int, Sequence[TrafficPoint]]:
    """Of several services, at the resolution read, however long the window is. One query."""
    rows = MetricPoint.objects.filter(service__in=list(services), at__gte=since, at__lt=until).order_by("at")
    found: dict[int, list[TrafficPoint]] = defaultdict(list)
    for service_id, source, at, requests, errors, p95_ms in rows.values_list(
        "service_id", "source", "at", "requests", "errors", "p95_ms"
    ):
        row = Point(service_id, MetricSource(source), at, requests, errors, p95_ms=p95_ms)
        found[service_id].append(_point(row, float(RESOLUTIONS[row.source])))
    return found


def _point(row: Point, seconds: float) -> TrafficPoint:
    """What is not known stays so: None is no data, never 0."""
    requests = None if row.requests is None else round(row.requests)
    errors = None if row.errors is None else round(row.errors)
    return TrafficPoint(row.at, seconds, requests, errors, row.p95_ms, TrafficSource(row.source.value))
