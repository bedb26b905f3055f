"""The ranges: fine enough to see a minute, never more points or rows than a page carries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from deployments.pages.charts.ranges import RANGES, ChartRange, chosen_range

MOMENTS = [
    datetime(2026, 11, 30, hour, minute, second, 417, tzinfo=UTC)
    for hour in (0, 5, 23)
    for minute, second in ((0, 0), (9, 59), (39, 30), (59, 59))
]


@pytest.mark.parametrize("one", RANGES.values(), ids=list(RANGES))
def test_rows_are_whole_and_lines_and_tables_stay_small(one: ChartRange) -> None:
    assert one.row % one.step == timedelta() == timedelta(days=1) % one.row
    for now in MOMENTS:
        span = one.span(1, now)
        assert span.since <= now < span.until <= now + one.step
        assert one.length - one.row <= now - span.since < one.length
        assert (span.since - datetime(1970, 1, 1, tzinfo=UTC)) % one.row == timedelta()
        assert span.length % one.step == timedelta()
        assert span.length / one.step <= 600
        assert -(-span.length // one.row) == one.length / one.row <= 60


def test_a_range_that_does_not_exist_is_named_in_words() -> None:
    assert chosen_range("14d") == (RANGES["14d"], "")
    assert chosen_range("") == (RANGES["6h"], "")
    assert chosen_range("3h\n\u202e") == (
        RANGES["6h"],
        "There is no range “3h”, only 1h, 6h, 2d, 14d; this is 6 h.",
    )
    assert len(chosen_range("x" * 5000)[1]) < 120
