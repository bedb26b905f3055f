"""How much more error counts scatter than independent requests would.

Errors come in bursts: one slow dependency fails many requests of the same half minute. The number of
errors of an interval is therefore taken as negative binomial: its variance is mean + scatter · mean².
"""

from __future__ import annotations

import math
from collections.abc import Sequence

LEAST_SCATTER, MOST_SCATTER = 0.05, 0.5  # squared relative standard deviation of the share of one interval
# The part of the intervals with most errors that is left out: single bursts, against which the test limits
# what one interval may say.
TRIMMED = 0.05
FEWEST_INTERVALS = 8
BLOCK_SECONDS = 600  # of this length are the swings of the usual share


def scatter(intervals: Sequence[tuple[int, int]]) -> float:
    """The squared relative standard deviation of the share of one interval, by the method of moments.

    Takes (requests, errors) of each interval. With few intervals, or few errors, it is LEAST_SCATTER.
    """
    if len(intervals) < FEWEST_INTERVALS:
        return LEAST_SCATTER
    kept = sorted(intervals, key=lambda interval: interval[1] / interval[0])
    kept = kept[: math.ceil(len(kept) * (1 - TRIMMED))]
    requests = sum(number for number, _ in kept)
    share = sum(errors for _, errors in kept) / requests
    beyond = sum((errors - number * share) ** 2 - number * share for number, errors in kept)
    scale = sum((number * share) ** 2 for number, _ in kept)
    if scale <= 0:
        return LEAST_SCATTER
    return min(max(beyond / scale, LEAST_SCATTER), MOST_SCATTER)


def usual_high(intervals: Sequence[tuple[int, int]], per_block: int) -> float:
    """The share that nine of ten blocks of `per_block` intervals stay below; 0 with fewer than 5 blocks."""
    blocks = [intervals[start : start + per_block] for start in range(0, len(intervals), max(per_block, 1))]
    shares = sorted(
        sum(errors for _, errors in block) / sum(number for number, _ in block)
        for block in blocks
        if len(block) == per_block
    )
    return shares[math.ceil(0.9 * len(shares)) - 1] if len(shares) >= 5 else 0.0
