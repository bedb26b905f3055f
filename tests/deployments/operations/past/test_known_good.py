"""Which deployment is the last known good one, and in which words: pure functions, no database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from deployments.models import Deployment
from deployments.operations.past.known_good import (
    SHORTEST,
    failed_users,
    is_good,
    last_known_good,
    why_good,
    why_previous,
)

BEFORE = datetime(2026, 11, 28, 6, 8, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def served(pk: int, ago: timedelta = timedelta(), length: timedelta = HOUR, **fields: Any) -> Deployment:
    """A healthy one that stopped serving so long before the live one."""
    numbers = {"live_requests": 10_000, "live_errors": 10, "live_source": "provider"}
    return Deployment(
        pk=pk, live_until=BEFORE - ago, live_seconds=length.total_seconds(), **{**numbers, **fields}
    )


def test_the_longest_live_of_the_last_day_is_chosen_in_whatever_order_they_come() -> None:
    rows = [served(1), served(2, HOUR, 5 * HOUR), served(3, 6 * HOUR, 2 * HOUR)]
    assert {found.pk for order in permutations(rows) if (found := last_known_good(order, BEFORE))} == {2}


def test_of_equally_long_ones_the_one_that_served_last_is_chosen() -> None:
    rows = [served(1, 3 * HOUR), served(2, HOUR), served(3, 2 * HOUR)]
    for order in permutations(rows):
        found = last_known_good(order, BEFORE)
        assert found is not None
        assert found.pk == 2


def test_a_week_of_commits_is_not_given_up_for_more_proof() -> None:
    found = last_known_good([served(1), served(2, 3 * DAY, 30 * DAY)], BEFORE)
    assert found is not None
    assert found.pk == 1


@pytest.mark.parametrize("ago", [3 * DAY, 20 * DAY])
def test_where_nothing_of_the_last_day_is_good_an_older_one_is(ago: timedelta) -> None:
    found = last_known_good([served(1, live_errors=900), served(2, ago)], BEFORE)
    assert found is not None
    assert found.pk == 2


def test_what_served_more_than_a_month_before_is_history() -> None:
    assert last_known_good([served(1, 31 * DAY, 30 * DAY)], BEFORE) is None


def test_an_unhealthy_long_lived_one_loses_to_a_healthy_shorter_one() -> None:
    unhealthy = served(1, HOUR, 20 * HOUR, live_errors=600)
    found = last_known_good([unhealthy, served(2)], BEFORE)
    assert found is not None
    assert found.pk == 2
    assert last_known_good([unhealthy], BEFORE) is None


def test_harm_at_its_end_is_not_hidden_by_good_days() -> None:
    late_harm = {"end_requests": 500, "end_errors": 40}
    assert not is_good(served(1, HOUR, 9 * DAY, live_requests=900_000, live_errors=100, **late_harm))
    assert is_good(served(1, end_requests=500, end_errors=25))


def test_an_end_of_too_few_requests_is_no_judgement() -> None:
    assert is_good(served(1, end_requests=3, end_errors=3))


@pytest.mark.parametrize(
    "unknown",
    [
        {"live_requests": None, "live_errors": None, "live_source": ""},
        {"live_requests": 59, "live_errors": 0},
        {"live_seconds": SHORTEST.total_seconds() - 1},
        {"live_until": None},
    ],
)
def test_what_is_not_known_is_not_good(unknown: dict[str, Any]) -> None:
    row = served(1)
    for name, value in unknown.items():
        setattr(row, name, value)
    assert not is_good(row)
    assert last_known_good([row], BEFORE) is None


@pytest.mark.parametrize(("errors", "good"), [(500, True), (501, False)])
def test_the_limit_is_the_one_stated_for_the_whole_portal(settings: Any, errors: int, good: bool) -> None:
    settings.SERVED_ERROR_SHARE = 5
    assert is_good(served(1, live_errors=errors)) is good
    settings.SERVED_ERROR_SHARE = 10
    assert is_good(served(1, live_errors=errors))


def test_a_build_that_failed_users_when_it_was_put_live_again_is_not_good_for_its_earlier_days() -> None:
    """At Render the second time is a deployment of its own."""
    first, again = served(1, 5 * HOUR, 10 * HOUR), served(2, live_errors=800)
    other = served(3, 2 * HOUR)
    found = last_known_good([first, again, other], BEFORE, {2: 1})
    assert found is not None
    assert found.pk == 3
    well_again = last_known_good([first, served(2, HOUR / 2), other], BEFORE, {2: 1})
    assert well_again is not None
    assert well_again.pk == 1


def test_the_reason_is_a_sentence_with_length_share_and_end() -> None:
    row = served(1, length=timedelta(days=3, hours=4))
    assert why_good(row).startswith("was live 3 d 4 h at 0.1% 5xx until ")
    assert why_good(row).endswith("06:08, and nobody marked it bad")
    row.live_source = "probe"
    assert "0.1% errors until" in why_good(row)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"live_requests": None, "live_errors": None}, "served before this; no numbers"),
        ({"live_requests": 40, "live_errors": 0}, "5xx 0% of only 40 requests, too few to judge"),
        ({"live_errors": 620}, "5xx 6.2% of its requests, so it is not known to be good"),
        ({"end_requests": 500, "end_errors": 50}, "but 10.0% in its last half hour: not known to be good"),
        ({"live_seconds": 180}, "5xx 0.1%, but live for 3 min only: too short to call it good"),
    ],
)
def test_the_previous_one_says_why_it_is_not_called_good(fields: dict[str, Any], words: str) -> None:
    row = served(1)
    for name, value in fields.items():
        setattr(row, name, value)
    assert not is_good(row)
    assert why_previous(row).endswith(words)
    assert why_previous(row).startswith("served before this; ")


def test_no_data_is_no_failure_either() -> None:
    assert not failed_users(served(1, live_requests=None, live_errors=None))
