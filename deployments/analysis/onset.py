"""When what is wrong now began: the change point of the error share, or of latency, that lasts until now.

Read backwards from the newest interval, each one speaks for "already wrong" or "still as usual", by at
most so much. Where the sum of what they say is largest, it began. Under "as usual" the sum reaches `NEEDED`
with a probability of exp(-NEEDED) at most, however long one looks back (Wald 1945).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from deployments.analysis.error_share import FEWEST_BEFORE, LEAST_EXCESS
from deployments.analysis.latency import LEAST_MORE_MS, SLOWER, known
from deployments.analysis.measures import Measure
from deployments.analysis.points import TrafficPoint, TrafficSource, count
from deployments.analysis.statistics import dispersion
from deployments.analysis.statistics.sequential import count_gain, yes_no_gain

NEEDED = 7.0
MOST_OF_ONE = 3.0  # that one interval says, either way
AS_LIKELY = 3.0  # beginnings whose sum is this close to the largest are as likely
LATEST_SECONDS = 300.0  # how much of the end shows what it is like now
FEWEST_BLOCKS = 3
SHARP_SECONDS = 900.0
MOSTLY = 0.5
FEWEST_ERRORS = 5  # to be expected in an interval


@dataclass(frozen=True, slots=True)
class Onset:
    """When it began, between `earliest` and `latest`, and the figures before and since.

    `usual` and `since` are shares (0 to 1) for errors, milliseconds for latency. `is_sharp`: what was
    added was mostly there within a quarter of an hour, and little of it before.
    """

    measure: Measure
    source: TrafficSource
    began: datetime
    earliest: datetime
    latest: datetime
    usual: float
    since: float
    is_sharp: bool


def error_onset(points: Sequence[TrafficPoint]) -> Onset | None:
    """When the errors that are up at the end of the points began; None: they are not up.

    The points are those of one source, in order.
    """
    known_points = [point for point in points if point.is_counted]
    if not known_points or count(known_points).requests < FEWEST_BEFORE[known_points[0].source]:
        return None
    found = _error_run(known_points, _middle_share(known_points), known_points)
    if found and found.began > known_points[0].time:
        # Once more, now that it is known which intervals are the usual ones.
        past = [point for point in known_points if point.end <= found.earliest]
        was = count(past)
        if was.requests >= FEWEST_BEFORE[known_points[0].source]:
            found = _error_run(known_points, (was.errors + 0.5) / (was.requests + 1), past)
    return found


def latency_onset(points: Sequence[TrafficPoint]) -> Onset | None:
    """The same for the 95th percentile of latency."""
    known_points = known(points)
    if len(known_points) < 2 * FEWEST_BLOCKS:
        return None
    usual = median(point.p95_ms or 0.0 for point in known_points)
    limit = max(SLOWER * usual, usual + LEAST_MORE_MS)
    gains = [yes_no_gain((point.p95_ms or 0.0) > limit, 0.9, 0.25) for point in known_points]
    run = _run(known_points, gains)
    if run is None:
        return None
    began, earliest, latest = run
    since = median(point.p95_ms or 0.0 for point in known_points[began:])
    before, first = (_middle(part) for part in _around(known_points, run))
    sharp = _is_sharp(usual, before, first, _middle(known_points[-10:]) or since)
    return _onset(known_points, (began, earliest, latest), Measure.LATENCY, usual, since, sharp)


def _middle(points: Sequence[TrafficPoint]) -> float | None:
    """The median p95."""
    return median(point.p95_ms or 0.0 for point in points) if points else None


def _middle_share(points: Sequence[TrafficPoint]) -> float:
    """The share of the median block of ten minutes: the usual one, unless half of all is an incident."""
    size = max(round(dispersion.BLOCK_SECONDS / points[0].duration), 1)
    blocks = [count(points[start : start + size]) for start in range(0, len(points), size)]
    if len(blocks) < FEWEST_BLOCKS:
        blocks = [count(points[: max(len(points) // 2, 1)])]
    shares = sorted((block.errors + 0.5) / (block.requests + 1) for block in blocks)
    return shares[(len(shares) - 1) // 2]


def _error_run(points: Sequence[TrafficPoint], usual: float, past: Sequence[TrafficPoint]) -> Onset | None:
    pairs = [(point.requests or 0, point.errors or 0) for point in past]
    scatter = dispersion.scatter(pairs)
    was = count(past).requests
    size = max(round(dispersion.BLOCK_SECONDS / points[0].duration), 1)
    swings = dispersion.usual_high(pairs, size) if past is not points else 0.0
    tolerated = max(1.5 * usual + 2 * (usual / max(was, 1)) ** 0.5 + LEAST_EXCESS, 1.2 * swings)
    newest = [point for point in points if (points[-1].end - point.time).total_seconds() <= LATEST_SECONDS]
    up = max(count(newest).share or 0.0, 2 * tolerated)
    up, tolerated = min(up, 0.98), min(tolerated, 0.49)
    # Where there are many requests, a share between the two finds the beginning of a slow rise, too.
    middle = (up * tolerated) ** 0.5
    many = middle * count(points).requests / len(points) >= FEWEST_ERRORS
    between = min(max(middle if many else up / 2, 2 * tolerated), 0.98)
    gains = [
        count_gain(point.requests or 0, point.errors or 0, between, tolerated, scatter) for point in points
    ]
    run = _run(points, gains)
    if run is None:
        return None
    newest_share = count(newest).share or 0.0
    before, first = _around(points, run)
    sharp = _is_sharp(usual, count(before).share, count(first).share, newest_share)
    return _onset(points, run, Measure.ERRORS, usual, count(points[run[0] :]).share or 0.0, sharp)


def _around(
    points: Sequence[TrafficPoint], run: tuple[int, int, int]
) -> tuple[list[TrafficPoint], list[TrafficPoint]]:
    """The half hour before a run, and the second half of its first quarter of an hour, as far as it goes."""
    earliest, latest = points[run[1]].time, points[run[2]].end
    before = [
        point for point in points[: run[1]] if (earliest - point.end).total_seconds() <= 2 * SHARP_SECONDS
    ]
    since = [point for point in points[run[0] :] if (point.end - latest).total_seconds() <= SHARP_SECONDS]
    return before, since[len(since) // 2 :]


def _is_sharp(usual: float, before: float | None, first: float | None, newest: float) -> bool:
    added = newest - usual
    if before is None or first is None or added <= 0:
        return True
    return first - usual >= MOSTLY * added and before - usual <= (1 - MOSTLY) * added


def _run(points: Sequence[TrafficPoint], gains: Sequence[float]) -> tuple[int, int, int] | None:
    """Numbers of the run's first interval and of the earliest and latest as likely; None: no run."""
    total, best, began = 0.0, 0.0, len(points)
    sums = [0.0] * len(points)
    for number in range(len(points) - 1, -1, -1):
        limit = MOST_OF_ONE * min(points[number].duration / 30.0, 1.0)
        total += max(min(gains[number], limit), -limit)
        sums[number] = total
        if total > best:
            best, began = total, number
    if best < NEEDED:
        return None
    likely = [number for number, value in enumerate(sums) if value >= best - AS_LIKELY]
    return began, min(likely), max(likely)


def _onset(
    points: Sequence[TrafficPoint],
    run: tuple[int, int, int],
    measure: Measure,
    usual: float,
    since: float,
    sharp: bool,
) -> Onset:
    began, earliest, latest = run
    # The change lies within the first interval that is wrong, or in a gap before it.
    before = points[earliest - 1].end if earliest else points[0].time
    first = max(before, points[earliest].time - timedelta(seconds=points[earliest].duration))
    return Onset(
        measure,
        points[0].source,
        points[began].time,
        first,
        points[latest].end,
        usual,
        since,
        sharp,
    )
