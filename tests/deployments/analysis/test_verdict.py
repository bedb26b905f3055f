"""What came of an operation, for each way that it may have gone."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.analysis.error_share import FEWEST_AFTER
from deployments.analysis.measures import Measure, MeasureState
from deployments.analysis.points import TrafficSource, count, in_order
from deployments.analysis.verdict import Why, Word, verdict
from tests.deployments.analysis.series import SERVED, after, before, by, incident, judged, minutes, points

PROBE = TrafficSource.PROBE
USUAL = by(before(), incident())
QUIET = by(before(), incident(0.001))


# --- Recovered ---


def test_errors_that_went_with_the_deployment_have_recovered_within_three_minutes() -> None:
    words = {length: judged(USUAL, after(length)).word for length in (0.5, 1, 3)}
    assert words == {0.5: Word.CANNOT_TELL, 1: Word.CANNOT_TELL, 3: Word.RECOVERED}


def test_recovered_names_what_decided_it_and_that_it_goes_on_watching() -> None:
    said = judged(USUAL, after(3))
    assert (said.why, said.watching) == (Why.BACK_TO_USUAL, True)
    assert said.decided_by
    assert (said.decided_by.source, said.decided_by.counted) == (TrafficSource.PROVIDER, 9_000)
    assert said.watched_until == SERVED + minutes(60)


def test_without_numbers_from_before_it_may_recover_but_says_so() -> None:
    said = judged(by([], incident()), after(4))
    assert (said.word, said.why) == (Word.RECOVERED, Why.BACK_WITHOUT_BASELINE)


def test_latency_that_was_up_in_the_incident_has_to_be_back_too() -> None:
    slow = by(before(), incident(p95=1_900.0))
    assert judged(slow, after(10, p95=1_900.0)).why == Why.STAYED
    assert judged(slow, after(3)).why == Why.BETWEEN
    assert judged(slow, after(5)).word == Word.RECOVERED


def test_one_request_that_took_a_minute_makes_no_latency_incident() -> None:
    wrong = incident()
    wrong[3] = replace(wrong[3], p95_ms=60_000.0)
    assert judged(by(before(), wrong), after(4, p95=210.0)).word == Word.RECOVERED


# --- Not recovered ---


def test_errors_that_stay_have_not_recovered_after_two_intervals() -> None:
    said = judged(USUAL, after(1, 0.08))
    assert (said.word, said.why) == (Word.NOT_RECOVERED, Why.STAYED)


def test_one_interval_of_errors_alone_decides_nothing() -> None:
    assert judged(USUAL, after(0.5, 0.5)).word == Word.CANNOT_TELL


def test_eight_per_cent_that_became_three_are_a_partial_recovery_and_none() -> None:
    said = judged(USUAL, after(4, 0.03))
    assert (said.word, said.why) == (Word.NOT_RECOVERED, Why.PARTLY)


def test_errors_that_are_where_they_were_but_were_bad_before_are_not_green() -> None:
    said = judged(by(before(0.061), incident(0.2)), after(30, 0.061))
    assert (said.word, said.why) == (Word.NOT_RECOVERED, Why.BASELINE_IS_BAD)


def test_harm_that_comes_after_half_an_hour_turns_the_verdict_and_says_when_it_began() -> None:
    fine = after(30)
    assert judged(USUAL, fine).word == Word.RECOVERED
    said = judged(USUAL, fine + points(SERVED + minutes(30), 4, 0.06))
    assert (said.word, said.why) == (Word.NOT_RECOVERED, Why.CAME_BACK)
    assert said.decided_by
    assert said.decided_by.since
    assert abs(said.decided_by.since - SERVED - minutes(30)) <= minutes(1)


def test_a_burst_of_half_a_minute_in_the_hour_does_not_turn_it() -> None:
    burst = [*after(30), *points(SERVED + minutes(30), 0.5, 0.3), *points(SERVED + minutes(30.5), 5)]
    for end in range(len(burst) - 11, len(burst)):
        assert judged(USUAL, burst[:end]).word == Word.RECOVERED


def test_errors_that_stop_later_turn_it_back() -> None:
    since = after(10, 0.08) + points(SERVED + minutes(10), 6)
    assert judged(USUAL, since).word == Word.RECOVERED


def test_slow_answers_that_nobody_saw_before_are_no_recovery() -> None:
    said = judged(USUAL, after(5, p95=900.0))
    assert (said.word, said.why) == (Word.NOT_RECOVERED, Why.UP_SINCE)


# --- Nothing was wrong ---


def test_where_errors_were_never_up_nothing_recovers_but_stays_healthy() -> None:
    said = judged(QUIET, after(5))
    assert (said.word, said.why) == (Word.STILL_HEALTHY, Why.NEVER_UP)


def test_a_promotion_after_which_errors_rise_is_worse_than_before() -> None:
    said = judged(QUIET, after(4, 0.05))
    assert (said.word, said.why) == (Word.WORSE, Why.UP_SINCE)


def test_an_incident_of_which_there_are_too_few_numbers_is_not_called_healthy() -> None:
    short = points(SERVED - minutes(1), 1, 0.0, rate=1.0)
    said = judged(by(before(), short), after(10))
    assert (said.word, said.why) == (Word.CANNOT_TELL, Why.INCIDENT_UNSEEN)


# --- Nobody can tell ---


def test_no_numbers_at_all_are_never_green() -> None:
    said = judged(by([], []), [], at=30)
    assert (said.word, said.why, said.newest) == (Word.CANNOT_TELL, Why.NO_NUMBERS, None)


def test_points_without_counts_are_no_numbers() -> None:
    unknown = [replace(point, requests=None, errors=None, p95_ms=None) for point in after(10)]
    assert judged(USUAL, unknown).why == Why.NO_NUMBERS


@pytest.mark.parametrize("share", [0.0, 0.001, 0.08, 1.0])
def test_below_the_minimum_nothing_is_said_whatever_the_numbers_are(share: float) -> None:
    said = judged(USUAL, after(9.5, share, rate=0.5))  # 285 requests
    assert (said.word, said.why, said.missing) == (Word.CANNOT_TELL, Why.TOO_LITTLE, 15)


def test_numbers_that_stop_take_the_green_away_and_leave_the_red() -> None:
    assert judged(USUAL, after(5), at=9).why == Why.STOPPED
    assert judged(USUAL, after(5, 0.08), at=9).word == Word.NOT_RECOVERED


def test_probes_that_go_on_do_not_keep_the_providers_old_numbers_green() -> None:
    since = after(5) + after(12, 0.0, source=PROBE)
    assert judged(by(before() + before(0.0, source=PROBE), incident()), since, at=12).why == Why.STOPPED


def test_numbers_that_stopped_within_the_hour_are_not_green_after_it() -> None:
    assert judged(USUAL, after(20), at=80).why == Why.STOPPED


def test_latency_that_is_back_is_no_recovery_while_the_errors_are_open() -> None:
    slow = by(before(), incident(0.001, p95=1_900.0))
    assert judged(slow, after(6)).word == Word.RECOVERED
    said = judged(slow, after(6, 0.0035))
    assert (said.word, said.why) == (Word.CANNOT_TELL, Why.BETWEEN)


def test_when_the_hour_is_over_it_stays_as_it_was_and_later_points_do_not_count() -> None:
    said = judged(USUAL, after(60) + points(SERVED + minutes(60), 20, 0.5), at=80)
    assert (said.word, said.watching) == (Word.RECOVERED, False)


def test_below_the_minimum_slow_answers_say_nothing_either() -> None:
    said = judged(USUAL, after(6.5, rate=0.7, p95=1_900.0))  # 273 requests in 13 intervals
    assert (said.word, said.why) == (Word.CANNOT_TELL, Why.TOO_LITTLE)


def test_points_from_before_the_target_served_do_not_count() -> None:
    assert judged(USUAL, points(SERVED - minutes(5), 5, 0.5), at=1).why == Why.NO_NUMBERS
    assert judged(USUAL, points(SERVED - minutes(5), 5, 0.5) + after(4)).word == Word.RECOVERED


# --- Probes ---


def test_probes_stand_in_where_the_provider_counts_too_few_requests() -> None:
    past = before(rate=0.05) + before(0.0, source=PROBE)
    wrong = incident(0.9, rate=0.05) + incident(0.9, source=PROBE)
    said = judged(by(past, wrong), after(8, 0.0, rate=0.05) + after(8, 0.0, source=PROBE))
    assert (said.word, said.why) == (Word.RECOVERED, Why.BACK_BY_PROBES)


def test_probes_that_never_saw_the_incident_prove_nothing() -> None:
    past = before(rate=0.05) + before(0.0, source=PROBE)
    wrong = incident(0.9, rate=0.05) + incident(0.0, source=PROBE)
    said = judged(by(past, wrong), after(8, 0.0, rate=0.05) + after(8, 0.0, source=PROBE))
    assert said.word == Word.CANNOT_TELL


def test_probes_that_fail_while_the_provider_sees_nothing_are_no_recovery() -> None:
    measured_by = by(before() + before(0.0, source=PROBE), incident() + incident(1.0, source=PROBE))
    said = judged(measured_by, after(8) + after(8, 1.0, source=PROBE))
    assert said.word == Word.NOT_RECOVERED
    assert said.decided_by
    assert said.decided_by.source == PROBE


def test_fewer_than_twenty_probes_say_nothing() -> None:
    measured_by = by(before(0.0, source=PROBE), incident(1.0, source=PROBE))
    assert judged(measured_by, after(4.75, 1.0, source=PROBE)).why == Why.TOO_LITTLE
    assert judged(measured_by, after(5, 1.0, source=PROBE)).word == Word.NOT_RECOVERED


def test_probes_that_failed_earlier_do_not_hold_up_what_the_provider_knows_to_be_over() -> None:
    measured_by = by(before() + before(0.0, source=PROBE), incident() + incident(0.08, source=PROBE))
    later = SERVED + minutes(15)
    since = after(15, 0.08) + after(15, 0.15, source=PROBE)
    since += points(later, 5) + points(later, 5, 0.0, source=PROBE)
    said = judged(measured_by, since)
    probes = said.result(PROBE, Measure.ERRORS)
    assert probes
    assert (said.word, probes.state) == (Word.RECOVERED, MeasureState.BAD)
    assert judged(measured_by, [*since, *points(later + minutes(5), 1, 1.0, source=PROBE)]).word.is_bad


# --- Any points at all ---

SINCE = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 3_000), st.integers(0, 3_000), st.booleans()), max_size=40
)


def drawn(parts: list[tuple[int, int, int, bool]]) -> list:  # type: ignore[type-arg]
    template = {False: after(0.5)[0], True: after(0.25, source=PROBE)[0]}
    return [
        replace(template[probe], time=SERVED + minutes(number / 4), requests=requests, errors=errors)
        for number, requests, errors, probe in parts
    ]


@settings(deadline=None, max_examples=60)
@given(SINCE, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_changes_a_verdict(
    parts: list[tuple[int, int, int, bool]], chance: random.Random
) -> None:
    since = drawn(parts)
    mixed = since + chance.sample(since, len(since) // 2)
    chance.shuffle(mixed)
    assert judged(USUAL, mixed, at=80) == judged(USUAL, since, at=80)


@settings(deadline=None, max_examples=60)
@given(SINCE)
def test_a_word_always_has_its_minimum_of_requests_or_probes(parts: list[tuple[int, int, int, bool]]) -> None:
    since = drawn(parts)
    if judged(USUAL, since, at=80).word == Word.CANNOT_TELL:
        return
    within = [point for point in since if point.time < SERVED + minutes(60)]
    assert any(count(in_order(within, source)).requests >= least for source, least in FEWEST_AFTER.items())


@settings(deadline=None, max_examples=20)
@given(st.floats(0.001, 0.08), st.floats(0.001, 0.08))
def test_more_errors_never_make_a_better_word(one: float, other: float) -> None:
    words = [judged(USUAL, after(10, share)).word for share in sorted((one, other))]
    rank = {Word.RECOVERED: 0, Word.CANNOT_TELL: 1, Word.NOT_RECOVERED: 2}
    assert rank[words[0]] <= rank[words[1]]


def test_the_short_way_says_the_same() -> None:
    said = verdict(before(), incident(), after(5), served_at=SERVED, now=SERVED + minutes(5))
    assert said == judged(USUAL, after(5))
