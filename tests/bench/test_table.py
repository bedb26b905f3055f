"""Numbers in columns, and the middle and the tail of a measurement."""

from __future__ import annotations

import pytest

from tests.bench.table import seconds, share, table


@pytest.mark.parametrize(("part", "value"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_share_is_the_nearest_rank(part: float, value: float) -> None:
    assert share(list(range(100, 0, -1)), part) == value


def test_least_middle_and_most_have_their_unit() -> None:
    assert seconds([3.0, 1.0, 2.345]) == ["1.00 s", "2.35 s", "3.00 s"]


def test_numbers_stand_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    table(("page", "SQL"), [["dashboard", "13"], ["", ""]])
    assert capsys.readouterr().out.splitlines() == [
        "  page       SQL",
        "  ---------  ---",
        "  dashboard   13",
        "",
        "",
    ]
