"""The numbers beside a verdict: counts, shares and intervals of each source, and the medians of latency."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from deployments.analysis.latency import known
from deployments.analysis.measures import Measure, MeasureResult
from deployments.analysis.points import ErrorCount, TrafficPoint, TrafficSource, count, counted, in_order
from deployments.analysis.statistics.interval import ShareInterval, of_share
from deployments.analysis.statistics.sequential import WATCHED_SECONDS
from deployments.analysis.verdict import HelpVerdict, Yardstick

EACH_SURE = 0.975  # of the two intervals of a difference, so that both hold with 95%


@dataclass(frozen=True, slots=True)
class ErrorFacts:
    """The counts of one source before, in the incident, and since the target serves.

    `now` counts from the beginning of the evidence on, `interval` (95%, at every look) is that of its share,
    `difference` that share minus the one before, from -1 to 1; None where one of the two is not known.
    """

    source: TrafficSource
    before: ErrorCount
    incident: ErrorCount
    after: ErrorCount
    now: ErrorCount
    interval: ShareInterval | None
    difference: ShareInterval | None


@dataclass(frozen=True, slots=True)
class LatencyFacts:
    """Medians of the 95th percentile of the intervals, in milliseconds; None is no data."""

    source: TrafficSource
    before_ms: float | None
    incident_ms: float | None
    now_ms: float | None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of both sources, the provider's first."""

    errors: tuple[ErrorFacts, ...]
    latency: tuple[LatencyFacts, ...]

    def errors_of(self, source: TrafficSource) -> ErrorFacts:
        return next(one for one in self.errors if one.source == source)

    def latency_of(self, source: TrafficSource) -> LatencyFacts:
        return next(one for one in self.latency if one.source == source)


def facts(by: Yardstick, after: Iterable[TrafficPoint], said: HelpVerdict) -> Facts:
    """The numbers for a verdict that was given on these points."""
    until = by.served_at + timedelta(seconds=WATCHED_SECONDS)
    points = [point for point in after if by.served_at <= point.time < until]
    errors, latency = [], []
    for source in TrafficSource:
        own = in_order(points, source)
        errors.append(_errors(by, source, own, said.result(source, Measure.ERRORS)))
        reference = by.latency[source]
        recent = known(_since(own, said.result(source, Measure.LATENCY)))
        now_ms = median(point.p95_ms or 0.0 for point in recent) if recent else None
        latency.append(LatencyFacts(source, reference.usual_ms, reference.incident_ms, now_ms))
    return Facts(tuple(errors), tuple(latency))


def _errors(
    by: Yardstick, source: TrafficSource, own: Sequence[TrafficPoint], result: MeasureResult | None
) -> ErrorFacts:
    reference = by.errors[source]
    recent = _since(own, result)
    now = count(recent)
    interval = difference = None
    if now.requests:
        intervals = len(counted(recent))
        interval = of_share(now, intervals, reference.scatter)
        if reference.before.requests:
            was = of_share(reference.before, reference.intervals_before, reference.scatter, EACH_SURE)
            difference = of_share(now, intervals, reference.scatter, EACH_SURE).minus(was)
    return ErrorFacts(source, reference.before, reference.during, count(own), now, interval, difference)


def _since(points: Sequence[TrafficPoint], result: MeasureResult | None) -> list[TrafficPoint]:
    since = result.since if result else None
    return [point for point in points if since is None or point.time >= since]
