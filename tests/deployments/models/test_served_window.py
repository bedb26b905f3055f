"""The window of requests to the public addresses: when a service fails, and when it only did for a moment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments.models.served_window import Round, ServedWindow
from tests import factories

CHECKED_EVERY = 15  # seconds


def window(*failures: int, requests: int = 5, status: int = 503) -> ServedWindow:
    """Checks that ended just now, one after the other, each with so many errors."""
    ends = timezone.now()
    rounds = [
        Round(ends - timedelta(seconds=CHECKED_EVERY * back), requests, {status: failed} if failed else {})
        for back, failed in zip(reversed(range(len(failures))), failures, strict=True)
    ]
    return ServedWindow(factories.sha("live"), rounds)


def test_eight_percent_are_noticed_within_two_minutes() -> None:
    assert window(0, 0, 1, 0, 1, 0, 0, 1).failing


@pytest.mark.parametrize("failures", [(0, 0, 1, 0, 0), (5, 0, 0, 0), (0, 0, 0, 5)])
def test_the_errors_of_a_single_check_are_not_called_failing(failures: tuple[int, ...]) -> None:
    assert not window(*failures).failing


def test_but_a_last_check_that_mostly_failed_is_known() -> None:
    assert window(0, 0, 0, 3).last_failed
    assert not window(3, 0, 0, 1).last_failed


def test_an_outage_is_noticed_with_the_second_check() -> None:
    assert window(0, 0, 0, 0, 0, 0, 5, 5).failing


def test_without_a_single_answer_nothing_is_known_and_nothing_is_called_failing() -> None:
    """The portal itself may have no way to the outside."""
    assert not window(5, 5, 5, status=0).failing
    assert window(5, 5, 4, status=0).failing


@pytest.mark.parametrize(("hours", "failing"), [(1, True), (23, True), (25, False)])
def test_silence_is_the_services_where_it_answered_in_the_last_day(hours: int, failing: bool) -> None:
    now = timezone.now()
    answered = ServedWindow().with_round("before", Round(now - timedelta(hours=hours), 5, {503: 5}))
    silent = answered.with_round("target", Round(now, 2, {0: 2})).with_round("target", Round(now, 2, {0: 2}))
    assert ServedWindow.stored(silent.as_json(), now).since(now).failing is failing


def test_a_rare_error_is_not_failing(settings: object) -> None:
    assert not window(*[0, 0, 0, 0, 1] * 4).failing


def test_the_share_is_a_setting(settings: pytest.FixtureRequest) -> None:
    settings.SERVED_ERROR_SHARE = 20  # type: ignore[attr-defined]
    assert not window(0, 0, 1, 0, 1, 0, 0, 1).failing


def test_the_figures_are_said_with_their_time_and_their_kinds() -> None:
    many = window(*[1, 0] * 10)
    assert many.message == "10 of 100 requests in the last 5 min failed (503)"
    assert window(2).message == "2 of 5 requests failed (503)"
    assert window(2, status=0).message == "2 of 5 requests failed (no answer)"
    assert window(0, 0).message == ""


def test_what_is_stored_comes_back_without_what_is_older_than_five_minutes() -> None:
    now, old = timezone.now(), Round(timezone.now() - timedelta(minutes=6), 5, {500: 5})
    young = Round(now, 5, {0: 1, 503: 2})
    stored = ServedWindow("abc", (old, young)).as_json()
    assert ServedWindow.stored(stored, now) == ServedWindow("abc", (young,))


def test_a_check_by_a_clock_that_was_ahead_does_not_count() -> None:
    now = timezone.now()
    ahead, here = Round(now + timedelta(hours=1), 5, {500: 5}), Round(now, 5, {})
    stored = ServedWindow("abc", (ahead, here)).as_json()
    assert ServedWindow.stored(stored, now).rounds == (here,)


def test_the_errors_of_another_commit_do_not_count() -> None:
    before = window(5, 5)
    after = before.with_round(factories.sha("target"), Round(timezone.now(), 5, {}))
    assert (after.total, after.failures) == (5, 0)
