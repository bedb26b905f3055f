"""The evidence is a supermartingale that begins below 1: only then does its level hold at every look."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.analysis.statistics.sequential import (
    STANDARD,
    WATCHED_SECONDS,
    Evidence,
    count_gain,
    start_chance,
    yes_no_gain,
)

SHARES = st.floats(0.0005, 0.5)


def chance_of(errors: int, mean: float, scatter: float) -> float:
    """The negative binomial probability, written out anew."""
    size = 1 / scatter
    log = math.lgamma(errors + size) - math.lgamma(size) - math.lgamma(errors + 1)
    return math.exp(log + size * math.log(size / (size + mean)) + errors * math.log(mean / (size + mean)))


@settings(deadline=None, max_examples=60)
@given(SHARES, SHARES, st.integers(1, 200), st.floats(0.05, 0.5), st.floats(0.5, 4))
def test_under_its_hypothesis_an_interval_adds_no_evidence_on_average(
    share: float, against: float, requests: int, scatter: float, limit: float
) -> None:
    mean = requests * against
    most = int(mean + 60 * math.sqrt(mean + scatter * mean**2) + 60)
    expected = sum(
        chance_of(errors, mean, scatter)
        * math.exp(min(count_gain(requests, errors, share, against, scatter), limit))
        for errors in range(most)
    )
    assert expected <= 1 + 1e-6


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_a_yes_or_no_adds_none_either(chance: float, against: float) -> None:
    yes, no = (math.exp(yes_no_gain(answer, chance, against)) for answer in (True, False))
    assert against * yes + (1 - against) * no == pytest.approx(1)


@pytest.mark.parametrize("seconds", [15.0, 30.0, 60.0])
def test_the_chances_of_all_beginnings_within_the_hour_add_up_to_one_at_most(seconds: float) -> None:
    number = round(WATCHED_SECONDS / seconds)
    assert sum(start_chance(each, seconds, STANDARD) for each in range(number)) <= 1


def false_alarms(series: int, plan_level: float, spread: bool) -> int:
    """How many of these series, of 120 intervals under the hypothesis, ever have enough evidence."""
    chance, found = random.Random(7), 0
    gains = {answer: yes_no_gain(answer, 0.3, 0.1) for answer in (True, False)}
    for _ in range(series):
        evidence = Evidence((1.0,), 10.0, plan_level)
        for number in range(120):
            start = start_chance(number, 30.0, STANDARD) if spread else 1.0
            evidence.add(number, start, 1.0, (gains[chance.random() < 0.1],))
            if evidence.is_enough:
                found += 1
                break
    return found


def test_looking_after_each_of_120_intervals_keeps_the_level() -> None:
    assert false_alarms(600, 0.05, spread=True) <= 0.05 * 600


def test_without_spreading_the_level_over_the_beginnings_it_is_lost() -> None:
    assert false_alarms(600, 0.05, spread=False) > 0.5 * 600


def test_one_interval_alone_is_never_enough() -> None:
    evidence = Evidence((1.0,), STANDARD.most_gain_harm, STANDARD.harm_level)
    evidence.add(0, start_chance(0, 30.0, STANDARD), 1.0, (1e6,))
    assert not evidence.is_enough


def test_more_evidence_than_is_needed_is_thrown_away_so_that_it_can_turn() -> None:
    evidence = Evidence((1.0,), 3.0, 0.01)
    for number in range(100):
        evidence.add(number, 0.001, 1.0, (3.0,))
    evidence.add(100, 0.001, 1.0, (-6.0,))
    assert evidence.total < 1
