"""How far back charts reach, and how fine they are: at most some 600 points of a line, 60 rows of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from deployments.metrics.series import Span
from deployments.metrics.storage import bucket
from rollback_portal.text import clean_line

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ChartRange:
    """A range that can be chosen.

    Attributes:
        step: between two points of a line; `row` is a multiple of it and divides a day, as `step` does.
        poll: seconds between two looks of an open page.
    """

    name: str
    label: str
    length: timedelta
    step: timedelta
    row: timedelta
    poll: int

    def span(self, service_id: int, now: datetime) -> Span:
        """From the beginning of a row, so that rows are whole, to the end of the step that is under way."""
        row, step = (int(length.total_seconds()) for length in (self.row, self.step))
        return Span(service_id, bucket(now, row) + self.row - self.length, bucket(now, step) + self.step)


RANGES: Mapping[str, ChartRange] = {
    one.name: one
    for one in (
        ChartRange("1h", "1 h", HOUR, MINUTE / 2, MINUTE, 30),
        ChartRange("6h", "6 h", 6 * HOUR, MINUTE, 10 * MINUTE, 60),
        ChartRange("2d", "2 d", 2 * DAY, 5 * MINUTE, HOUR, 300),
        ChartRange("14d", "14 d", 14 * DAY, 40 * MINUTE, 6 * HOUR, 300),
    )
}
USUAL = RANGES["6h"]


def chosen_range(word: str) -> tuple[ChartRange, str]:
    """The range that an address names, and a complaint where there is none of that name."""
    if not word or word in RANGES:
        return RANGES.get(word, USUAL), ""
    names = ", ".join(RANGES)
    return USUAL, f"There is no range “{clean_line(word, 40)}”, only {names}; this is {USUAL.label}."
