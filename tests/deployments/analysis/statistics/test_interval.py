"""Intervals hold their share, narrow with more requests, and are no narrower than the counts allow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deployments.analysis.points import ErrorCount
from deployments.analysis.statistics.interval import ShareInterval, of_share


@given(st.integers(1, 100_000), st.integers(0, 100_000), st.integers(1, 120), st.floats(0.05, 0.5))
def test_the_measured_share_lies_inside(requests: int, errors: int, intervals: int, scatter: float) -> None:
    errors = min(errors, requests)
    found = of_share(ErrorCount(requests, errors), intervals, scatter)
    assert 0 <= found.low <= errors / requests <= found.high <= 1


def test_without_requests_every_share_is_possible() -> None:
    assert of_share(ErrorCount(0, 0), 0, 0.05) == ShareInterval(0.0, 1.0)


def test_no_failure_among_41_still_allows_one_in_ten() -> None:
    found = of_share(ErrorCount(41, 0), 10, 0.05)
    assert found.low == 0
    assert 0.08 < found.high < 0.25


def test_ten_times_the_requests_narrow_it() -> None:
    few, many = of_share(ErrorCount(300, 3), 10, 0.05), of_share(ErrorCount(3_000, 30), 100, 0.05)
    assert many.high - many.low < few.high - few.low


def test_what_scatters_more_is_less_certain() -> None:
    calm, wild = (of_share(ErrorCount(3_000, 240), 2, scatter) for scatter in (0.05, 0.5))
    assert wild.high - wild.low > calm.high - calm.low


def test_a_difference_takes_the_far_ends() -> None:
    assert ShareInterval(0.25, 0.5).minus(ShareInterval(0.125, 0.375)) == ShareInterval(-0.125, 0.375)
