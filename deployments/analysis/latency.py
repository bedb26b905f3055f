"""The test of latency: in how many intervals the 95th percentile lies above a limit.

An interval says "slow" or "not slow", so that a request that took a minute counts no more than another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from deployments.analysis.measures import Gains, Measure, MeasureResult, Step, StepTest
from deployments.analysis.points import TrafficPoint, TrafficSource
from deployments.analysis.statistics.sequential import TestPlan, yes_no_gain

FEWEST_AFTER = 6  # intervals
FEWEST_BEFORE = 20
FEWEST_REQUESTS = 20  # of the provider's intervals: the p95 of fewer is noise
STILL_SLOW = 0.7  # as many slow intervals as this, and latency is not back
NEARLY_ALWAYS = 0.9  # of the intervals, where latency is up
MOST_SLOW = 0.4  # of those since the evidence began, where it is back
USUALLY_SLOW = 0.25  # as many are tolerated, at least
SLOWER = 1.5  # times the usual p95, and 50 ms more, is up
LEAST_MORE_MS = 50.0
WAY_BACK = 0.35  # of the logarithm of the rise: above this an interval is slow


@dataclass(frozen=True, slots=True)
class LatencyReference:
    """The usual p95 and that of the incident, in milliseconds (None: no data), and the limit between them.

    `tolerated` is the share of slow intervals that still counts as usual; None: no baseline, no test.
    """

    source: TrafficSource
    usual_ms: float | None
    incident_ms: float | None
    limit_ms: float
    tolerated: float | None
    affected: bool


def known(points: Sequence[TrafficPoint]) -> list[TrafficPoint]:
    """Those points whose p95 is known and no noise."""
    return [
        point
        for point in points
        if point.p95_ms is not None
        and point.p95_ms > 0
        and (point.source == TrafficSource.PROBE or (point.requests or 0) >= FEWEST_REQUESTS)
    ]


def latency_reference(
    before: Sequence[TrafficPoint], incident: Sequence[TrafficPoint], source: TrafficSource
) -> LatencyReference:
    """Both lists in order (points.py) and of this source."""
    past = sorted(point.p95_ms or 0.0 for point in known(before))
    during = [point.p95_ms or 0.0 for point in known(incident)]
    incident_ms = median(during) if during else None
    if len(past) < FEWEST_BEFORE:
        return LatencyReference(source, median(past) if past else None, incident_ms, 0.0, None, False)
    usual = median(past)
    high = past[math.ceil(0.95 * len(past)) - 1]
    up = max(SLOWER * usual, usual + LEAST_MORE_MS, high)
    affected = incident_ms is not None and len(during) >= 2 and incident_ms > up
    limit = up
    if affected and incident_ms is not None:
        limit = max(usual * (incident_ms / usual) ** WAY_BACK, min(up, (usual * incident_ms) ** 0.5))
    slow = sum(value > limit for value in past) / len(past)
    tolerated = min(max(2 * slow, USUALLY_SLOW), STILL_SLOW / 2)
    return LatencyReference(source, usual, incident_ms, limit, tolerated, affected)


def judge_latency(
    reference: LatencyReference, after: Sequence[TrafficPoint], plan: TestPlan
) -> MeasureResult | None:
    """Judge the points since the target serves; None where there is nothing to compare with."""
    if reference.tolerated is None:
        return None
    gains = {slow: _gains(slow, reference.tolerated) for slow in (False, True)}
    flags = ((point, (point.p95_ms or 0.0) > reference.limit_ms) for point in known(after))
    steps = (Step(point.time, point.duration, 1, int(slow), gains[slow]) for point, slow in flags)
    found = StepTest((1.0,), (1.0,), FEWEST_AFTER, MOST_SLOW, plan).follow(steps)
    return MeasureResult(
        reference.source, Measure.LATENCY, found.state, reference.affected, found.counted, FEWEST_AFTER,
        found.since, found.last_failed,
    )  # fmt: skip


def _gains(slow: bool, tolerated: float) -> Gains:
    return Gains(
        (yes_no_gain(slow, tolerated / 5, STILL_SLOW),), (yes_no_gain(slow, NEARLY_ALWAYS, tolerated),)
    )
