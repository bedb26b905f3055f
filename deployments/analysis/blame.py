"""Is a deployment to blame? When errors, or slow answers, began, beside when deployments went live.

A deployment is named only where the two are so close that chance explains it badly: with so many
deployments a day, how likely is it that one went live that shortly before an incident of another cause?
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from deployments.analysis.error_share import FEWEST_BEFORE, HIGHEST_HEALTHY
from deployments.analysis.onset import Onset, error_onset, latency_onset
from deployments.analysis.points import ErrorCount, TrafficPoint, TrafficSource, count, in_order

CHANCE = 0.05  # beyond which a deployment that fits may as well be a coincidence
AT_ONCE = timedelta(seconds=150)  # so soon after a deployment, one is named however many there were
EARLY = timedelta(seconds=60)  # instances are exchanged, and points end, before the last address has moved
LONGEST = timedelta(hours=2)  # between a deployment and harm that it is named for
WIDEST = timedelta(minutes=15)  # between the earliest and latest likely beginning: more is no clear start
NEWEST = timedelta(minutes=5)


class BlameKind(StrEnum):
    """What can be said. Only AFTER_DEPLOYMENT names one to blame."""

    AFTER_DEPLOYMENT = "began after a deployment"
    BEFORE_DEPLOYMENT = "began before the deployment"
    MAYBE_CHANCE = "began a while after a deployment"
    NO_DEPLOYMENT = "no deployment near"
    NO_CLEAR_START = "no clear start"
    NOTHING_WRONG = "nothing is wrong in the numbers"
    TOO_LITTLE = "too few numbers"


@dataclass(frozen=True, slots=True)
class WentLive:
    """A deployment and when it began to serve (aware, UTC)."""

    deployment: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Blame:
    """The answer with its numbers.

    `deployment` is the one named, or for BEFORE_DEPLOYMENT and MAYBE_CHANCE the one spoken of. `after` is
    the time from its going live until the beginning, negative where it began before it. `coincidence` is how
    likely a deployment so near would be if none was to blame. `now` counts the newest five minutes.
    """

    kind: BlameKind
    onset: Onset | None
    deployment: WentLive | None
    after: timedelta | None
    coincidence: float | None
    before: ErrorCount
    now: ErrorCount
    source: TrafficSource


def blame(points: Iterable[TrafficPoint], deployments: Iterable[WentLive]) -> Blame:
    """Judge the newest state of a service from its points and the deployments that served in that time.

    Points of a day are best; deployments that went live before the first point or after the last do not
    count.
    """
    known, live = list(points), sorted(deployments, key=lambda one: one.at)
    answers = [_of_source(in_order(known, source), live, source) for source in TrafficSource]
    telling = [one for one in answers if one.onset is not None]
    measured = [one for one in answers if one.kind != BlameKind.TOO_LITTLE]
    return (telling or measured or answers)[0]


def _of_source(points: Sequence[TrafficPoint], live: Sequence[WentLive], source: TrafficSource) -> Blame:
    onsets = [onset for onset in (error_onset(points), latency_onset(points)) if onset is not None]
    if not onsets:
        return Blame(
            _without_onset(points, source), None, None, None, None, count(points), _newest(points), source
        )
    onset = min(onsets, key=lambda one: one.began)
    before = count([point for point in points if point.end <= onset.earliest])
    span = points[-1].end - points[0].time
    seen = [one for one in live if points[0].time <= one.at < points[-1].end]
    kind, deployment, chance = _which(onset, seen, span)
    after = onset.began - deployment.at if deployment else None
    return Blame(kind, onset, deployment, after, chance, before, _newest(points), source)


def _without_onset(points: Sequence[TrafficPoint], source: TrafficSource) -> BlameKind:
    """Errors that were up all along have no beginning, but nothing wrong they are not."""
    if count(points).requests < FEWEST_BEFORE[source]:
        return BlameKind.TOO_LITTLE
    up = (_newest(points).share or 0.0) > HIGHEST_HEALTHY
    return BlameKind.NO_CLEAR_START if up else BlameKind.NOTHING_WRONG


def _newest(points: Sequence[TrafficPoint]) -> ErrorCount:
    return count([point for point in points if points[-1].end - point.time <= NEWEST])


def _which(
    onset: Onset, live: Sequence[WentLive], span: timedelta
) -> tuple[BlameKind, WentLive | None, float | None]:
    if not onset.is_sharp or onset.latest - onset.earliest > WIDEST:
        return BlameKind.NO_CLEAR_START, None, None
    earlier = [one for one in live if one.at <= onset.latest + EARLY]
    if not earlier:
        later = live[0] if live else None
        return (BlameKind.BEFORE_DEPLOYMENT, later, None) if later else (BlameKind.NO_DEPLOYMENT, None, None)
    nearest = earlier[-1]
    lag = onset.latest - nearest.at
    chance = coincidence(lag, len(live), span)
    if lag <= AT_ONCE or (chance <= CHANCE and lag <= LONGEST):
        return BlameKind.AFTER_DEPLOYMENT, nearest, chance
    later_ones = [one for one in live if one.at > nearest.at]
    if later_ones:
        return BlameKind.BEFORE_DEPLOYMENT, later_ones[0], None
    if lag <= LONGEST:
        return BlameKind.MAYBE_CHANCE, nearest, chance
    return BlameKind.NO_DEPLOYMENT, None, None


def coincidence(lag: timedelta, deployments: int, span: timedelta) -> float:
    """How likely one of so many deployments in `span` lies within `lag` before a moment of no relation."""
    if span <= timedelta(0):
        return 1.0
    return 1 - math.exp(-deployments * max(lag / span, 0.0))
