"""The test of the error share: what was usual, what the incident looked like, and which of them it is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from deployments.analysis.measures import Gains, Measure, MeasureResult, Step, StepTest
from deployments.analysis.points import ErrorCount, TrafficPoint, TrafficSource, count, counted
from deployments.analysis.statistics import dispersion
from deployments.analysis.statistics.sequential import TestPlan, count_gain

# The fewest requests, or probes, for any word but "can't tell".
FEWEST_AFTER = {TrafficSource.PROVIDER: 300, TrafficSource.PROBE: 20}
FEWEST_BEFORE = {TrafficSource.PROVIDER: 300, TrafficSource.PROBE: 40}
ASSUMED_SHARE = 0.0025  # where there are no numbers from before
HIGHEST_HEALTHY = 0.05  # no share above this is healthy, even where it was usual
LEFT_OF_INCIDENT = 0.25  # of what the incident added: with that much left, nothing has recovered
INCIDENT_EVIDENCE = 5.0  # natural logarithm of the likelihood ratio, beyond which errors were up
LEAST_EXCESS = 0.0005


@dataclass(frozen=True, slots=True)
class ErrorReference:
    """What a share of errors is compared with, each from 0 to 1.

    `usual` is the share before, `tolerated` the highest that still counts as usual, `bad` the lowest that
    counts as not recovered, `incident` the share of the incident, or None where errors were not up.
    `scatter` is that of one interval (statistics/dispersion.py).
    """

    source: TrafficSource
    before: ErrorCount
    intervals_before: int
    during: ErrorCount
    usual: float
    tolerated: float
    bad: float
    incident: float | None
    scatter: float
    _gains: dict[tuple[int, int], Gains] = field(default_factory=dict, compare=False, repr=False)

    @property
    def has_baseline(self) -> bool:
        return self.before.requests >= FEWEST_BEFORE[self.source]

    @property
    def baseline_is_bad(self) -> bool:
        return self.has_baseline and (self.before.share or 0.0) > HIGHEST_HEALTHY

    def gains(self, point: TrafficPoint) -> Gains:
        """What one interval says for shares that would be as usual, and for shares that would be bad."""
        counts = (point.requests or 0, point.errors or 0)
        known = self._gains.get(counts)
        if known is None:
            known = self._gains[counts] = self._computed(*counts)
        return known

    def _computed(self, requests: int, errors: int) -> Gains:
        lowest = 1.5 * self.tolerated
        if self.incident is None:
            worst = (4 * self.bad, self.bad, lowest)
        else:
            excess = self.incident - self.usual
            worst = (self.incident, self.usual + excess / 2, self.usual + excess / 4)
        fine = (self.usual, min((self.usual + self.tolerated) / 2, self.bad * 0.9))
        wrong = (min(max(share, lowest), 0.99) for share in worst)
        return Gains(
            tuple(count_gain(requests, errors, share, self.bad, self.scatter) for share in fine),
            tuple(count_gain(requests, errors, share, self.tolerated, self.scatter) for share in wrong),
        )


def error_reference(
    before: Sequence[TrafficPoint], incident: Sequence[TrafficPoint], source: TrafficSource, plan: TestPlan
) -> ErrorReference:
    """Both lists in order (points.py) and of this source."""
    past, during = counted(before), counted(incident)
    scatter = max(dispersion.scatter(past), dispersion.scatter(during))
    was, in_incident = count(before), count(incident)
    usual, tolerated = _usual(was, past, before, source, scatter)
    share = (in_incident.errors + 0.5) / (in_incident.requests + 1) if in_incident.requests else 0.0
    affected = share > tolerated and _is_up(during, share, tolerated, scatter, plan)
    excess = share - usual
    if affected:
        bad = max(usual + LEFT_OF_INCIDENT * excess, min(tolerated, usual + excess / 2))
    else:
        bad = max(1.5 * tolerated, usual + 0.005)
    return ErrorReference(
        source,
        was,
        len(past),
        in_incident,
        usual,
        tolerated,
        min(bad, 0.95),
        share if affected else None,
        scatter,
    )


def _usual(
    was: ErrorCount,
    past: Sequence[tuple[int, int]],
    points: Sequence[TrafficPoint],
    source: TrafficSource,
    scatter: float,
) -> tuple[float, float]:
    """The usual share, and the highest that is still taken for it."""
    if was.requests < FEWEST_BEFORE[source]:
        return ASSUMED_SHARE, 2 * ASSUMED_SHARE
    usual = (was.errors + 0.5) / (was.requests + 1)
    if usual > HIGHEST_HEALTHY:
        return HIGHEST_HEALTHY / 5, HIGHEST_HEALTHY / 2
    variance = usual / was.requests + scatter * usual**2 / max(len(past), 1)
    length = points[0].duration if points else 30.0
    swings = dispersion.usual_high(past, round(dispersion.BLOCK_SECONDS / length))
    tolerated = max(1.5 * usual + 2 * variance**0.5 + LEAST_EXCESS, 1.2 * swings)
    return usual, min(tolerated, HIGHEST_HEALTHY)


def _is_up(
    during: Sequence[tuple[int, int]], share: float, tolerated: float, scatter: float, plan: TestPlan
) -> bool:
    """Whether errors were up in the incident, each interval's weight limited as in the test itself."""
    gains = (count_gain(requests, errors, share, tolerated, scatter) for requests, errors in during)
    return sum(min(gain, plan.most_gain_harm) for gain in gains) >= INCIDENT_EVIDENCE


def judge_errors(reference: ErrorReference, after: Sequence[TrafficPoint], plan: TestPlan) -> MeasureResult:
    """Judge the points since the target serves, in order and of the reference's source."""
    needed = FEWEST_AFTER[reference.source]
    most_failing = (reference.tolerated + max(reference.bad, reference.tolerated)) / 2
    test = StepTest((0.5, 0.5), (0.4, 0.4, 0.2), needed, most_failing, plan)
    steps = (
        Step(point.time, point.duration, point.requests or 0, point.errors or 0, reference.gains(point))
        for point in after
        if point.is_counted
    )
    found = test.follow(steps)
    affected = reference.incident is not None
    return MeasureResult(
        reference.source, Measure.ERRORS, found.state, affected, found.counted, needed, found.since,
        found.last_failed,
    )  # fmt: skip
