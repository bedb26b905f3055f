"""One step after the other: which state they lead to, and what holds it."""

from __future__ import annotations

from deployments.analysis.measures import Followed, Gains, MeasureState, Step, StepTest
from deployments.analysis.statistics.sequential import STANDARD
from tests.deployments.analysis.series import SERVED, minutes


def followed(gains: list[tuple[float, float]], failed: int = 0, most_failing: float = 0.1) -> Followed:
    """Steps of half a minute with 100 requests each and these gains, for good and for bad."""
    steps = [
        Step(SERVED + minutes(number / 2), 30.0, 100, failed, Gains((good,), (bad,)))
        for number, (good, bad) in enumerate(gains)
    ]
    return StepTest((1.0,), (1.0,), 300, most_failing, STANDARD).follow(steps)


GOOD, BAD = (5.0, -5.0), (-5.0, 5.0)


def test_no_steps_are_no_data() -> None:
    assert followed([]) == Followed(MeasureState.NO_DATA, None, 0, None)


def test_evidence_below_the_minimum_is_too_little() -> None:
    assert followed([BAD] * 2).state == MeasureState.TOO_LITTLE


def test_good_needs_a_low_share_beside_its_evidence() -> None:
    assert followed([GOOD] * 6, failed=5).state == MeasureState.GOOD
    assert followed([GOOD] * 6, failed=50).state == MeasureState.OPEN


def test_where_there_is_evidence_for_both_it_is_bad() -> None:
    assert followed([(5.0, 5.0)] * 6).state == MeasureState.BAD


def test_good_holds_over_one_bad_step_and_not_over_four() -> None:
    assert followed([GOOD] * 6 + [BAD]).state == MeasureState.GOOD
    said = followed([GOOD] * 6 + [BAD] * 4)
    assert (said.state, said.since) == (MeasureState.BAD, SERVED + minutes(3))


def test_bad_ends_with_its_evidence_and_becomes_good_only_with_new_evidence() -> None:
    states = [followed([BAD] * 6 + [GOOD] * number).state for number in (0, 1, 8)]
    assert states == [MeasureState.BAD, MeasureState.OPEN, MeasureState.GOOD]


def test_the_last_step_that_failed_is_known() -> None:
    assert followed([GOOD] * 4, failed=1).last_failed == SERVED + minutes(1.5)
    assert followed([GOOD] * 4).last_failed is None
