"""What one measure of one source says after an operation, and on what it is based."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from deployments.analysis.points import TrafficSource
from deployments.analysis.statistics.sequential import USUAL_INTERVAL, Evidence, TestPlan, start_chance

LITTLE_LEFT = 0.05  # of the evidence that is needed: with less, BAD does not hold any more


class Measure(StrEnum):
    """What is compared."""

    ERRORS = "errors"
    LATENCY = "latency"


class MeasureState(StrEnum):
    """What the test says of a measure since the target serves."""

    GOOD = "good"  # as before, with enough evidence
    BAD = "bad"  # worse than before, with enough evidence
    OPEN = "open"  # not enough evidence for either
    TOO_LITTLE = "too little"  # below the stated minimum: nothing is said, whatever the numbers are
    NO_DATA = "no data"


@dataclass(frozen=True, slots=True)
class MeasureResult:
    """State of a measure, whether the incident showed in it, and since when it is as it is.

    `since` is the beginning of the evidence for GOOD or BAD; `counted` and `needed` are requests for errors,
    intervals for latency. `last_failed` is the newest interval in which anything failed, or was slow.
    """

    source: TrafficSource
    measure: Measure
    state: MeasureState
    affected: bool
    counted: int
    needed: int
    since: datetime | None = None
    last_failed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One interval on its way into a test: how much it counts and its gain under each alternative."""

    time: datetime
    seconds: float
    counted: int
    failed: int
    gains: Gains


class Followed(NamedTuple):
    """The state after the last step, since when, how much was counted, and the last step that failed."""

    state: MeasureState
    since: datetime | None
    counted: int
    last_failed: datetime | None


class Gains(NamedTuple):
    """Log likelihood ratios of one interval, for being as usual and for being bad, by alternative."""

    good: tuple[float, ...]
    bad: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class StepTest:
    """How steps are judged.

    `good_weights` and `bad_weights` are those of the alternatives, `needed` is the fewest that has to be
    counted, `most_failing` the highest share since its evidence began that GOOD may have.
    """

    good_weights: tuple[float, ...]
    bad_weights: tuple[float, ...]
    needed: int
    most_failing: float
    plan: TestPlan

    def follow(self, steps: Iterable[Step]) -> Followed:
        """Take one step after the other, in the order of time.

        GOOD holds until the evidence for BAD is enough, BAD until little of its evidence is left.
        """
        good = Evidence(self.good_weights, self.plan.most_gain_recovered, self.plan.recovered_level)
        bad = Evidence(self.bad_weights, self.plan.most_gain_harm, self.plan.harm_level)
        times: list[datetime] = []
        sums = [(0, 0)]  # counted and failed, up to each step
        state, since, last_failed = MeasureState.NO_DATA, None, None
        for number, step in enumerate(steps):
            times.append(step.time)
            sums.append((sums[-1][0] + step.counted, sums[-1][1] + step.failed))
            if step.failed:
                last_failed = step.time
            start = start_chance(number, step.seconds, self.plan)
            part = min(step.seconds / USUAL_INTERVAL, 1.0)
            good.add(number, start, part, step.gains.good)
            bad.add(number, start, part, step.gains.bad)
            if sums[-1][0] < self.needed:
                state = MeasureState.TOO_LITTLE
            elif bad.is_enough:
                state, since = MeasureState.BAD, times[bad.began]
            elif state == MeasureState.GOOD:
                continue
            elif good.is_enough and bad.total < 3 and self._is_low(sums[good.began], sums[-1]):
                state, since = MeasureState.GOOD, times[good.began]
            elif state != MeasureState.BAD or bad.total < bad.needed * LITTLE_LEFT:
                state, since = MeasureState.OPEN, None
        return Followed(state, since, sums[-1][0], last_failed)

    def _is_low(self, first: tuple[int, int], last: tuple[int, int]) -> bool:
        return last[1] - first[1] <= self.most_failing * (last[0] - first[0])
