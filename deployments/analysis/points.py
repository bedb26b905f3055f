"""One measured interval of a service's traffic, and how a list of them is put in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class TrafficSource(StrEnum):
    """Who counted: the provider, over what users sent, or the portal's own probes."""

    PROVIDER = "provider"
    PROBE = "probe"


@dataclass(frozen=True, slots=True)
class TrafficPoint:
    """What was measured in one interval. None is "no data" and never counts as 0.

    `time` is the interval's beginning (aware, UTC), `duration` its length in seconds; `errors` are answers
    with a status of 500 or more, or probes that failed; `p95_ms` is a latency in milliseconds.
    """

    time: datetime
    duration: float
    requests: int | None
    errors: int | None
    p95_ms: float | None
    source: TrafficSource

    @property
    def end(self) -> datetime:
        return self.time + timedelta(seconds=self.duration)

    @property
    def is_counted(self) -> bool:
        """Whether requests and errors are known; more errors than requests are a broken reading."""
        if self.requests is None or self.errors is None:
            return False
        return self.requests > 0 and 0 <= self.errors <= self.requests


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """How many of how many requests failed."""

    requests: int
    errors: int

    @property
    def share(self) -> float | None:
        """From 0 to 1; None without requests."""
        return self.errors / self.requests if self.requests else None


def in_order(points: Iterable[TrafficPoint], source: TrafficSource) -> list[TrafficPoint]:
    """The points of one source by time, each interval once, whatever the order they came in.

    An interval that was read twice counts as it was read with more requests: the provider was still counting
    when it was read first. A point that begins within the first half of another one is left out.
    """
    by_time: dict[datetime, TrafficPoint] = {}
    for point in points:
        if point.source == source and point.duration > 0:
            known = by_time.get(point.time)
            by_time[point.time] = point if known is None else max(known, point, key=_completeness)
    kept: list[TrafficPoint] = []
    for time in sorted(by_time):
        point = by_time[time]
        if kept and (time - kept[-1].time).total_seconds() < kept[-1].duration / 2:
            continue
        kept.append(point)
    return kept


def _completeness(point: TrafficPoint) -> tuple[float, ...]:
    values = (point.requests, point.errors, point.p95_ms)
    return (*(-1.0 if value is None else float(value) for value in values), point.duration)


def count(points: Iterable[TrafficPoint]) -> ErrorCount:
    """The sum of those points that are counted."""
    requests = errors = 0
    for point in points:
        if point.is_counted:
            requests += point.requests or 0
            errors += point.errors or 0
    return ErrorCount(requests, errors)


def counted(points: Sequence[TrafficPoint]) -> list[tuple[int, int]]:
    """(requests, errors) of each point that is counted."""
    return [(point.requests or 0, point.errors or 0) for point in points if point.is_counted]
