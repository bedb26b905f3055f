"""One chart: its lines as numbers, the sentence that says the same, and the table beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any

from deployments.metrics.chart_steps import ChartStep, together
from deployments.metrics.series import Span
from deployments.metrics.storage import bucket
from deployments.models import MetricSource
from deployments.pages.charts.quantities import Column, Quantity
from deployments.pages.charts.ranges import DAY, ChartRange
from rollback_portal.text import duration

Steps = Mapping[MetricSource, Sequence[ChartStep]]


@dataclass(frozen=True, slots=True)
class ChartTable:
    """The same numbers for those who do not see the chart; "no data" where there are none."""

    caption: str
    headings: Sequence[str]
    rows: Sequence[tuple[datetime, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Chart:
    """What the page shows of one quantity; without data only `why_not`.

    `drawn` is what the script draws, as JSON: a None is a gap.
    """

    name: str
    title: str
    measured_by: str
    summary: str
    why_not: str
    table: ChartTable | None
    drawn: dict[str, Any] | None


def build_chart(
    quantity: Quantity, found: Steps, span: Span, chosen: ChartRange, limit: float | None
) -> Chart:
    """The chart of the first source that knows anything of the quantity in this time.

    Args:
        limit: drawn as a line of its own, in the unit of the axis; None for no limit.
    """
    source = next((one for one in quantity.sources if _knows(quantity, found.get(one, ()))), None)
    if source is None:
        title = quantity.title[quantity.sources[-1]]
        return Chart(quantity.name, title, "", "", f"No data. {quantity.why_not}", None, None)
    steps, title = found[source], quantity.title[source]
    return Chart(
        name=quantity.name,
        title=title,
        measured_by=source.label,
        summary=_summary(title, quantity, steps, span, chosen) + _limit(quantity, limit),
        why_not="",
        table=_table(title, source, quantity, steps, span, chosen),
        drawn=_drawn(quantity, steps, span, chosen, limit),
    )


def _knows(quantity: Quantity, steps: Sequence[ChartStep]) -> bool:
    return any(line.read(step) is not None for line in quantity.lines for step in steps)


# --- In words ---


def _summary(
    title: str, quantity: Quantity, steps: Sequence[ChartStep], span: Span, chosen: ChartRange
) -> str:
    """ "5xx share: 0.1% median, highest 7.9% at 06:24 UTC. No data in 3 of 120 steps of 30 s."."""
    parts = []
    for line in quantity.lines:
        known = [(value, step.at) for step in steps if (value := line.read(step)) is not None]
        if not known:
            continue
        highest, at = max(known, key=lambda pair: pair[0])
        name = f"{line.label} " if len(quantity.lines) > 1 else ""
        middle = line.write(median(value for value, _ in known))
        parts.append(f"{name}{middle} median, highest {line.write(highest)} at {when(at, chosen)} UTC")
    number = _number_of_steps(span, chosen)
    first = quantity.lines[0]
    missing = number - sum(first.read(step) is not None for step in steps)
    of = f"{missing} of {number} steps of {duration(chosen.step)}"
    return f"{title}: {'; '.join(parts)}.{f' No data in {of}.' if missing else ''}"


def _limit(quantity: Quantity, limit: float | None) -> str:
    return "" if limit is None else f" The dashed line is the limit, {limit:g}{quantity.unit}."


def when(at: datetime, chosen: ChartRange) -> str:
    """ "06:24", with the day where the range has several: "27 Nov 06:24"."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %H:%M}" if chosen.length > DAY else f"{at:%H:%M}"


def _number_of_steps(span: Span, chosen: ChartRange) -> int:
    return int(span.length / chosen.step)


# --- As a table ---


def _table(
    title: str,
    source: MetricSource,
    quantity: Quantity,
    steps: Sequence[ChartStep],
    span: Span,
    chosen: ChartRange,
) -> ChartTable:
    """A row for each part of the time, the newest first, those without data among them."""
    seconds = int(chosen.row.total_seconds())
    by_row: dict[datetime, list[ChartStep]] = {}
    for step in steps:
        by_row.setdefault(bucket(step.at, seconds), []).append(step)
    columns = [*quantity.counts, *quantity.lines]
    rows, at = [], span.since
    while at < span.until:
        parts = by_row.get(at, [])
        whole = together(parts) if parts else None
        rows.append((at, [*(column.text(whole) for column in columns), *_peak(quantity, parts)]))
        at += chosen.row
    peak = [f"Highest {duration(chosen.step)}"] if quantity.peak else []
    caption = f"{title} by {duration(chosen.row)}, {source.label}, newest first; times in UTC"
    return ChartTable(caption, [*(column.label for column in columns), *peak], rows[::-1])


def _peak(quantity: Quantity, parts: Sequence[ChartStep]) -> list[str]:
    """The highest step of the row: a mean hides what lasts a minute."""
    line = next((line for line in quantity.lines if line.label == quantity.peak), None)
    if line is None:
        return []
    return [_highest(line, parts)]


def _highest(line: Column, parts: Sequence[ChartStep]) -> str:
    known = [value for step in parts if (value := line.read(step)) is not None]
    return line.write(max(known)) if known else "no data"


# --- For the script ---


def _drawn(
    quantity: Quantity, steps: Sequence[ChartStep], span: Span, chosen: ChartRange, limit: float | None
) -> dict[str, Any]:
    by_time = {step.at: step for step in steps}
    times = [span.since + number * chosen.step for number in range(_number_of_steps(span, chosen))]

    def values(line: Column) -> list[float | None]:
        read = (line.read(by_time[at]) if at in by_time else None for at in times)
        return [None if value is None else float(f"{value * quantity.scale:.4g}") for value in read]

    lines = [{"label": line.label, "values": values(line)} for line in quantity.lines]
    return {"unit": quantity.unit, "limit": limit, "lines": lines}
