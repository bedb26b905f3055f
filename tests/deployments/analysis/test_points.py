"""Points come late, twice, broken and in any order; None is no data."""

from __future__ import annotations

import random
from dataclasses import replace

from deployments.analysis.points import ErrorCount, TrafficSource, count, in_order
from tests.deployments.analysis.series import SERVED, after, minutes

PROVIDER = TrafficSource.PROVIDER


def test_the_order_in_which_points_come_changes_nothing() -> None:
    known = after(10, 0.02)
    shuffled = random.Random(1).sample(known, len(known))
    assert in_order(shuffled, PROVIDER) == known


def test_an_interval_that_was_read_twice_counts_once_as_it_was_read_with_more_requests() -> None:
    (point,) = after(0.5, 0.02)
    early = replace(point, requests=700, errors=30)
    assert in_order([early, point, early], PROVIDER) == in_order([point, early], PROVIDER) == [point]


def test_a_point_within_the_first_half_of_another_is_left_out() -> None:
    first, second = after(1)
    inside = replace(second, time=first.time + minutes(0.2))
    assert in_order([first, inside, second], PROVIDER) == [first, second]


def test_points_of_the_other_source_are_left_out() -> None:
    assert in_order(after(5, source=TrafficSource.PROBE), PROVIDER) == []


def test_no_data_is_not_zero() -> None:
    (point,) = after(0.5, 0.02)
    unknown = [replace(point, requests=None), replace(point, errors=None), replace(point, requests=0)]
    assert not any(one.is_counted for one in unknown)
    assert count(unknown) == ErrorCount(0, 0)
    assert count(unknown).share is None


def test_more_errors_than_requests_are_a_broken_reading() -> None:
    (point,) = after(0.5)
    assert not replace(point, errors=(point.requests or 0) + 1).is_counted
    assert point.end == SERVED + minutes(0.5)
