"""One simulated operation, judged again and again for an hour, beside a fixed threshold on its points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.analysis.error_share import FEWEST_AFTER
from deployments.analysis.points import TrafficPoint, TrafficSource, count, in_order
from deployments.analysis.statistics.sequential import TestPlan
from deployments.analysis.verdict import Word, judge, yardstick
from deployments.analysis.windows import windows
from tests.bench.verdict.series import WATCHED, Operation, operation
from tests.bench.verdict.traffic import at

SETTLING = 120.0  # seconds after the errors went, until which "not recovered" is no false word
TURNING = 300.0  # seconds after harm came back, until which "recovered" is no false word
FIXED_SHARE = 0.01  # of the fixed threshold: above it is not recovered
FIXED_REQUESTS = 100
FIXED_POINTS = 60  # of both sources: more than five minutes


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said of one series, by seconds since the target served; None: never."""

    kind: str
    number: int
    rate: float
    latency_incident: bool
    ever_good: bool
    ever_bad: bool
    stays_bad: bool  # from the target's first second on, for the whole hour
    false_recovered: bool
    false_not_recovered: bool
    recovered_after: float | None  # the first true word
    not_recovered_after: float | None
    turned_after: float | None  # from harm that came back until it was said
    settled: bool  # whether the last word is the true one
    said_below_minimum: bool
    turns: int


def looks(harm_after: float) -> list[float]:
    """Seconds after which one looks: every ten in the beginning, later less often, but often around new harm.

    What an earlier look would have said is not lost: each verdict follows from all points in their order.
    """
    seconds = {
        *range(10, 180, 10),
        *range(180, 300, 20),
        *range(300, 900, 60),
        *range(900, int(WATCHED) + 1, 300),
    }
    if harm_after < WATCHED:
        seconds |= set(range(int(harm_after), min(int(harm_after) + 600, int(WATCHED)), 60))
    return [float(second) for second in sorted(seconds)]


def judge_one(seed: int, number: int, plan: TestPlan, each: int = 1) -> tuple[Judged, Judged]:
    """The portal's test and the fixed threshold, on the same series; `each` leaves looks out."""
    series = operation(seed, number)
    served_at = at(series.served)
    cut = windows(
        series.readable(series.served),
        left_live_since=at(series.left_live),
        acted_at=at(series.acted),
        served_at=served_at,
    )
    by = yardstick(cut.before, cut.incident, served_at=served_at, plan=plan)
    since = series.since_served(served_at)
    words, fixed = [], []
    for look in looks(series.bad_from - series.served)[each - 1 :: each]:
        points = since.readable(series.served + look)
        said = judge(by, points, now=at(series.served + look))
        words.append((look, said.word, _is_below_minimum(points) and said.word != Word.CANNOT_TELL))
        fixed.append((look, _fixed_threshold(points), False))
    return _judged(series, words), _judged(series, fixed)


def _is_below_minimum(points: Sequence[TrafficPoint]) -> bool:
    """Counted here anew, not taken from the verdict."""
    return all(count(in_order(points, source)).requests < least for source, least in FEWEST_AFTER.items())


def _fixed_threshold(points: Sequence[TrafficPoint]) -> Word:
    """What many dashboards do: the share of the last five minutes above or below one number."""
    counted = count(in_order(points[-FIXED_POINTS:], TrafficSource.PROVIDER)[-10:])
    if counted.requests < FIXED_REQUESTS or counted.share is None:
        return Word.CANNOT_TELL
    return Word.NOT_RECOVERED if counted.share > FIXED_SHARE else Word.RECOVERED


def _judged(series: Operation, words: Sequence[tuple[float, Word, bool]]) -> Judged:
    false_good = false_bad = False
    good_after = bad_after = turned = None
    turns, last = 0, Word.CANNOT_TELL
    for look, word, _ in words:
        now = series.served + look
        if word.is_good:
            false_good |= series.served <= now < series.bad_until or now >= series.bad_from + TURNING
            if good_after is None and series.is_good(now):
                good_after = look
        if word.is_bad:
            false_bad |= _was_good_for_long(series, now)
            if bad_after is None and series.served <= now < series.bad_until:
                bad_after = look
            if turned is None and now >= series.bad_from:
                turned = now - series.bad_from
        turns += word != last and last != Word.CANNOT_TELL
        last = word
    end = series.served + WATCHED
    settled = last.is_bad if series.is_bad(end) else last.is_good if series.is_good(end) else True
    return Judged(
        series.kind, series.number, series.rate, series.latency_incident,
        series.is_ever_good, series.is_ever_bad, series.stays_bad, false_good, false_bad,
        good_after, bad_after, turned, settled, any(below for _, _, below in words), turns,
    )  # fmt: skip


def _was_good_for_long(series: Operation, now: float) -> bool:
    """For a step from the first second on; for a ramp when the errors have been away for a while."""
    settling = SETTLING if series.bad_until > series.served else 0.0
    return series.good_from + settling <= now < series.good_until
