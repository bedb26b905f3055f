"""What came of an operation: recovered, not recovered, or nobody can tell yet.

The same points give the same verdict, in whatever order they came. The caller judges anew when there are new
points; a verdict that differs from the last one has turned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from deployments.analysis.error_share import ErrorReference, error_reference, judge_errors
from deployments.analysis.latency import LatencyReference, judge_latency, latency_reference
from deployments.analysis.measures import Measure, MeasureResult, MeasureState
from deployments.analysis.points import TrafficPoint, TrafficSource, count, in_order
from deployments.analysis.statistics.sequential import STANDARD, WATCHED_SECONDS, TestPlan

STALE_SECONDS = 180.0  # numbers older than this keep no verdict green
QUIET_SECONDS = 120.0  # without a failed probe
LATE_SECONDS = 300.0  # errors that begin later after the target serves have come back
PARTLY_LEFT = 0.6  # of what the incident added: with less left, part of it has gone


class Word(StrEnum):
    """The verdict. Only RECOVERED and STILL_HEALTHY may be green."""

    RECOVERED = "Recovered"
    STILL_HEALTHY = "Still healthy"  # nothing was wrong in the numbers before, and nothing is
    NOT_RECOVERED = "Not recovered"
    WORSE = "Worse than before"  # nothing was wrong in the numbers before; now something is
    CANNOT_TELL = "Can't tell yet"

    @property
    def is_good(self) -> bool:
        return self in {Word.RECOVERED, Word.STILL_HEALTHY}

    @property
    def is_bad(self) -> bool:
        return self in {Word.NOT_RECOVERED, Word.WORSE}


class Why(StrEnum):
    """Why the verdict is what it is: one sentence each in sentences.py."""

    BACK_TO_USUAL = "back to usual"
    BACK_WITHOUT_BASELINE = "back, nothing from before to compare with"
    BACK_BY_PROBES = "back by the portal's probes"
    NEVER_UP = "never up"
    STAYED = "stayed"
    PARTLY = "partly"
    CAME_BACK = "came back"
    UP_SINCE = "up since"
    BASELINE_IS_BAD = "the baseline is bad"
    NO_NUMBERS = "no numbers"
    STOPPED = "numbers stopped"
    TOO_LITTLE = "too little traffic"
    BETWEEN = "between"
    INCIDENT_UNSEEN = "the incident left too few numbers"


@dataclass(frozen=True, slots=True)
class HelpVerdict:
    """A word, why, and the measure that decided it (None: no measure did)."""

    word: Word
    why: Why
    decided_by: MeasureResult | None
    measures: tuple[MeasureResult, ...]
    newest: datetime | None  # the end of the newest interval of the source that decided
    watched_until: datetime
    watching: bool
    missing: int = 0  # requests (or probes) until anything can be said

    def result(self, source: TrafficSource, measure: Measure) -> MeasureResult | None:
        found = (one for one in self.measures if (one.source, one.measure) == (source, measure))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What an operation is measured by: the time before the deployment that was left, and the incident.

    It does not change any more once the target serves, so it is computed once for many looks.
    """

    served_at: datetime
    errors: dict[TrafficSource, ErrorReference]
    latency: dict[TrafficSource, LatencyReference]
    plan: TestPlan = STANDARD


def yardstick(
    before: Iterable[TrafficPoint],
    incident: Iterable[TrafficPoint],
    *,
    served_at: datetime,
    plan: TestPlan = STANDARD,
) -> Yardstick:
    """`before` and `incident` as windows.py cuts them; points that end after `served_at` are left out."""
    past, during = list(before), list(incident)
    errors, latency = {}, {}
    for source in TrafficSource:
        was = in_order(past, source)
        was_wrong = [point for point in in_order(during, source) if point.end <= served_at]
        errors[source] = error_reference(was, was_wrong, source, plan)
        latency[source] = latency_reference(was, was_wrong, source)
    return Yardstick(served_at, errors, latency, plan)


def verdict(
    before: Iterable[TrafficPoint],
    incident: Iterable[TrafficPoint],
    after: Iterable[TrafficPoint],
    *,
    served_at: datetime,
    now: datetime,
) -> HelpVerdict:
    """Judge what is known at `now`. The target serves since `served_at`, which all addresses confirmed."""
    return judge(yardstick(before, incident, served_at=served_at), after, now=now)


def judge(by: Yardstick, after: Iterable[TrafficPoint], *, now: datetime) -> HelpVerdict:
    """The same for a yardstick that is at hand. Points that began before the target served are left out."""
    until = by.served_at + timedelta(seconds=WATCHED_SECONDS)
    points = [point for point in after if by.served_at <= point.time < until and point.time < now]
    measures: list[MeasureResult] = []
    for source in TrafficSource:
        own = in_order(points, source)
        errors = judge_errors(by.errors[source], own, by.plan)
        measures.append(errors)
        # Below the minimum of requests or probes latency is not judged either.
        enough = errors.state not in {MeasureState.NO_DATA, MeasureState.TOO_LITTLE}
        latency = judge_latency(by.latency[source], own, by.plan) if enough else None
        measures += [latency] if latency else []
    word, why, decided_by = _decide(by, points, measures)
    newest = _newest(points, decided_by)
    if word.is_good and newest and (min(now, until) - newest).total_seconds() > STALE_SECONDS:
        word, why = Word.CANNOT_TELL, Why.STOPPED
    missing = _missing(measures) if why == Why.TOO_LITTLE else 0
    return HelpVerdict(word, why, decided_by, tuple(measures), newest, until, now < until, missing)


def _newest(points: Sequence[TrafficPoint], decided_by: MeasureResult | None) -> datetime | None:
    """The end of the newest interval of the source that decided; of any source where none did."""
    ends = [
        point.end
        for point in points
        if point.is_counted and (decided_by is None or point.source == decided_by.source)
    ]
    return max(ends, default=None)


def _decide(
    by: Yardstick, points: Sequence[TrafficPoint], measures: Sequence[MeasureResult]
) -> tuple[Word, Why, MeasureResult | None]:
    bad = [one for one in measures if one.state == MeasureState.BAD and not _is_over(one, measures, points)]
    if bad:
        return _harm(by, points, bad[0], any(one.affected for one in measures))
    seen = [one for one in measures if one.state not in {MeasureState.NO_DATA, MeasureState.TOO_LITTLE}]
    if not seen:
        has_none = all(one.state == MeasureState.NO_DATA for one in measures)
        return Word.CANNOT_TELL, Why.NO_NUMBERS if has_none else Why.TOO_LITTLE, None
    waited_for = _waited_for(seen, affected=any(one.affected for one in measures))
    if not waited_for or all(one.measure != Measure.ERRORS for one in seen):
        return Word.CANNOT_TELL, Why.TOO_LITTLE, None
    pending = [one for one in waited_for if one.state != MeasureState.GOOD]
    if pending:
        return Word.CANNOT_TELL, Why.BETWEEN, pending[0]
    if not waited_for[0].affected and by.errors[waited_for[0].source].during.requests < waited_for[0].needed:
        return Word.CANNOT_TELL, Why.INCIDENT_UNSEEN, waited_for[0]
    if not waited_for[0].affected:
        return Word.STILL_HEALTHY, Why.NEVER_UP, waited_for[0]
    return Word.RECOVERED, _why_recovered(by, waited_for[0]), waited_for[0]


def _is_over(
    probes: MeasureResult, measures: Sequence[MeasureResult], points: Sequence[TrafficPoint]
) -> bool:
    """Whether probes only tell what the provider's numbers, which are many more, already know to be over."""
    if probes.source != TrafficSource.PROBE:
        return False
    wanted = (TrafficSource.PROVIDER, probes.measure, MeasureState.GOOD)
    if not any((one.source, one.measure, one.state) == wanted for one in measures):
        return False
    newest = max(point.end for point in points if point.source == TrafficSource.PROBE)
    return probes.last_failed is None or (newest - probes.last_failed).total_seconds() > QUIET_SECONDS


def _waited_for(seen: Sequence[MeasureResult], *, affected: bool) -> list[MeasureResult]:
    """What has to be good: all that the incident showed in, and the errors in any case.

    Probes stand in where the provider's own numbers are missing, too few, or showed nothing.
    """
    chosen: dict[Measure, MeasureResult] = {}
    for one in seen:  # the provider's come first
        if one.affected if affected else one.measure == Measure.ERRORS:
            chosen.setdefault(one.measure, one)
    for one in seen:
        if chosen and one.measure == Measure.ERRORS:
            chosen.setdefault(one.measure, one)
    return list(chosen.values())


def _why_recovered(by: Yardstick, leading: MeasureResult) -> Why:
    if leading.source == TrafficSource.PROBE:
        return Why.BACK_BY_PROBES
    if leading.measure == Measure.ERRORS and not by.errors[leading.source].has_baseline:
        return Why.BACK_WITHOUT_BASELINE
    return Why.BACK_TO_USUAL


def _harm(
    by: Yardstick, points: Sequence[TrafficPoint], bad: MeasureResult, was_wrong: bool
) -> tuple[Word, Why, MeasureResult]:
    """Which of the ways of not having recovered it is."""
    late = bad.since is not None and (bad.since - by.served_at).total_seconds() > LATE_SECONDS
    if not was_wrong:
        return Word.WORSE, Why.UP_SINCE, bad
    if not bad.affected:
        return Word.NOT_RECOVERED, Why.UP_SINCE, bad
    if bad.measure == Measure.ERRORS:
        reference = by.errors[bad.source]
        own = [
            point for point in in_order(points, bad.source) if bad.since is None or point.time >= bad.since
        ]
        share = count(own).share or 0.0
        if reference.baseline_is_bad and share <= 1.3 * (reference.before.share or 0.0):
            return Word.NOT_RECOVERED, Why.BASELINE_IS_BAD, bad
        if not late and share <= reference.usual + PARTLY_LEFT * (
            (reference.incident or 0.0) - reference.usual
        ):
            return Word.NOT_RECOVERED, Why.PARTLY, bad
    return Word.NOT_RECOVERED, Why.CAME_BACK if late else Why.STAYED, bad


def _missing(measures: Sequence[MeasureResult]) -> int:
    """Of what the incident showed in, or else of the provider's requests."""
    short = [one for one in measures if one.measure == Measure.ERRORS and one.counted < one.needed]
    if not short:
        return 0
    first = next((one for one in short if one.affected), short[0])
    return first.needed - first.counted
