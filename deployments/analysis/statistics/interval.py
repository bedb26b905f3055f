"""Intervals that hold at every look, for a share and for the difference of two."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from deployments.analysis.points import ErrorCount

SURE = 0.95
STEPS = 40  # of the bisection


@dataclass(frozen=True, slots=True)
class ShareInterval:
    """From `low` to `high`, both from -1 to 1; a difference may be negative."""

    low: float
    high: float

    def minus(self, other: ShareInterval) -> ShareInterval:
        return ShareInterval(self.low - other.high, self.high - other.low)


def of_share(counted: ErrorCount, intervals: int, scatter: float, sure: float = SURE) -> ShareInterval:
    """The shares that the counts do not speak against, at any time of looking, with this certainty.

    A beta-binomial mixture (Robbins 1970), for counts divided by how much more they scatter than independent
    ones.
    """
    if not counted.requests:
        return ShareInterval(0.0, 1.0)
    share = counted.errors / counted.requests
    per_interval = counted.requests / max(intervals, 1)

    def speaks_against(candidate: float) -> bool:
        shrunk = 1 + scatter * per_interval * candidate
        return _evidence(counted.requests / shrunk, counted.errors / shrunk, candidate) >= -math.log(1 - sure)

    return ShareInterval(
        _border(share, 0.0, speaks_against) if counted.errors else 0.0,
        _border(share, 1.0, speaks_against) if counted.errors < counted.requests else 1.0,
    )


def _evidence(requests: float, errors: float, share: float) -> float:
    """The log of the mixture's likelihood over that of one share."""
    if share in (0.0, 1.0):
        return math.inf
    fine = requests - errors
    mixture = math.lgamma(errors + 0.5) + math.lgamma(fine + 0.5) - math.lgamma(requests + 1)
    mixture -= 2 * math.lgamma(0.5)
    return mixture - errors * math.log(share) - fine * math.log1p(-share)


def _border(inside: float, outside: float, speaks_against: Callable[[float], bool]) -> float:
    """Where it begins to speak against, between a share that fits and one that does not."""
    for _ in range(STEPS):
        middle = (inside + outside) / 2
        if speaks_against(middle):
            outside = middle
        else:
            inside = middle
    return outside
