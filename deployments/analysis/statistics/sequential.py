"""A test that one may look at after every interval, for an hour, without its error rate growing.

The evidence is a mixture sequential probability ratio test: the likelihood of what was counted under some
alternatives, divided by its likelihood under the hypothesis, averaged over the alternatives and over the
intervals at which the change may have begun. Under the hypothesis this average is a supermartingale that
begins at 1 or less. By Ville's inequality it *ever* reaches 1/level with a probability of at most `level`.

One interval alone may only multiply the evidence by so much (`most_gain`): a burst of half a minute decides
nothing. Leaving out gain keeps a supermartingale one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WATCHED_SECONDS = 3600.0  # how long an operation is watched
USUAL_INTERVAL = 30.0  # seconds; Render's smallest


@dataclass(frozen=True, slots=True)
class TestPlan:
    """The levels of the tests, and what keeps them under continuous looking.

    `recovered_level` and `harm_level` are the chances of a false word in the whole hour, of each single test.
    `most_gain_recovered` and `most_gain_harm` are natural logarithms, per half minute. Without
    `spread_over_starts` each interval begins a test of the full level: for the bench only.
    """

    __test__ = False

    recovered_level: float = 0.0025
    harm_level: float = 0.004
    most_gain_recovered: float = 2.6
    most_gain_harm: float = 3.9
    spread_over_starts: bool = True


STANDARD = TestPlan()


class Evidence:
    """The evidence against one hypothesis, over intervals in the order of time.

    `weights` are those of the alternatives and add up to 1. `total` is the evidence, `began` the interval at
    which the strongest part of it begins.
    """

    __slots__ = ("began", "limits", "most_gain", "needed", "total", "values", "weights")

    def __init__(self, weights: Sequence[float], most_gain: float, level: float) -> None:
        self.most_gain = most_gain
        self.needed = 1 / level
        self.weights = weights
        self.limits = [self.needed / weight for weight in weights]
        self.values = [0.0] * len(weights)
        self.began = 0
        self.total = 0.0

    @property
    def is_enough(self) -> bool:
        return self.total >= self.needed

    def add(self, number: int, start: float, part: float, gains: Sequence[float]) -> None:
        """Take in interval `number`, with its log likelihood ratio under each alternative.

        `start` is the chance that the change is at this interval, `part` its length in half minutes, up to 1.
        More evidence than is needed is thrown away, so that what comes later can turn the verdict.
        """
        limit = self.most_gain * part
        if self.total < start:
            self.began = number
        total = 0.0
        for index, gain in enumerate(gains):
            value = self.values[index]
            if value > self.limits[index]:
                value = self.limits[index]
            value = (value + start) * math.exp(gain if gain < limit else limit) if gain > -700 else 0.0
            self.values[index] = value
            total += self.weights[index] * value
        self.total = total


def start_chance(number: int, seconds: float, plan: TestPlan) -> float:
    """The chance given to a change at interval `number`: half to the beginning, half to the rest of the hour.

    All of them together are at most 1.
    """
    if not plan.spread_over_starts:
        return 1.0
    return 0.5 / ((number + 1) * (number + 2)) + 0.5 * min(seconds / WATCHED_SECONDS, 1.0)


def count_gain(requests: int, errors: int, share: float, against: float, scatter: float) -> float:
    """Log likelihood ratio of a share against another one, for a negative binomial number of errors.

    Reference: Hilbe, Negative Binomial Regression (2011), the NB2 form: variance = mean + scatter · mean².
    """
    size = 1 / scatter
    mean, other = requests * share, requests * against
    ratio = math.log(share * (other + size) / (against * (mean + size)))
    return errors * ratio - size * math.log((mean + size) / (other + size))


def yes_no_gain(yes: bool, chance: float, against: float) -> float:
    """Log likelihood ratio of one yes or no."""
    return math.log(chance / against) if yes else math.log((1 - chance) / (1 - against))
