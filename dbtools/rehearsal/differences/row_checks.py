"""Checks the rows: values that the SQL changes, and data that the migrations do not bring back.

Neither can be judged without knowing the intention, so both only warn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from dbtools.rehearsal.differences.rows import ColumnChange, TableChange
from dbtools.rehearsal.differences.table_pairs import TablePair
from dbtools.rehearsal.differences.wording import number_of, some
from dbtools.rehearsal.report import OK, WARN, RehearsalCheck

CHANGED, ROUND_TRIP = "Values", "Round trip"
Compare = Callable[[TablePair], TableChange]


def may_differ(pair: TablePair) -> bool:
    """Whether rows that stay may have other values: without a key the digests cannot rule it out."""
    if pair.after is None or not pair.staying or not pair.before.rows or not pair.after.rows:
        return False
    return not pair.same_key or not pair.before.key or any(a.digest != b.digest for a, b in pair.staying)


def changed(changes: Iterable[TableChange]) -> RehearsalCheck | None:
    """Warn of values that change although their rows and columns stay, and of rows that others replace.

    Rows of which there are only fewer are reported as losses instead.
    """
    lines: list[str] = []
    examples: list[str] = []
    begun = "The SQL may change values that stay"
    for change in changes:
        lines += _changes(change)
        examples += _examples(change)
        if change.columns or change.unmet or (change.gone and change.new):
            begun = "The SQL changes values that stay"
    if not lines:
        return None
    message = f"{begun}: {some(lines)}. Check that this is intended."
    return RehearsalCheck(CHANGED, WARN, message, tuple(lines), tuple(examples))


def _changes(change: TableChange) -> Iterator[str]:
    for column in change.columns:
        yield f"{change.name}.{column.name} in {_counts(column, change.one_in)}"
    yield from _not_met(change)
    if change.gone and change.new:
        what = "other keys" if change.has_key else "other values, compared as wholes"
        gone, new = (
            number_of(change.gone * change.one_in, "row"),
            number_of(change.new * change.one_in, "row"),
        )
        yield f"{change.name}: {gone} made way for {new} with {what}{_sampled(change.one_in)}"


def _not_met(change: TableChange) -> Iterator[str]:
    """The columns of a large table that have other values, or may have, in rows that were not compared."""
    part = f"1 in {change.one_in}"
    for names, what in (
        (change.unmet, f"in a few rows, none of them among the {part} that were compared"),
        (change.unknown, f"perhaps: rows or keys came or went, and of the others only {part} was compared"),
    ):
        if names:
            yield f"{', '.join(f'{change.name}.{name}' for name in names)} {what}"


def _counts(column: ColumnChange, one_in: int) -> str:
    """Such as "39 rows, of which 1 becomes NULL"."""
    total = number_of(column.rows * one_in, "row")
    parts = [
        f"{number * one_in:,} {'becomes' if number * one_in == 1 else 'become'} NULL" if what else
        f"{number * one_in:,} {'was' if number * one_in == 1 else 'were'} NULL"
        for what, number in ((True, column.emptied), (False, column.filled))
        if number
    ]  # fmt: skip
    return total + (f", of which {' and '.join(parts)}" if parts else "") + _sampled(one_in)


def _sampled(one_in: int) -> str:
    return f" (estimated: 1 in {one_in} rows was compared)" if one_in > 1 else ""


def _examples(change: TableChange) -> list[str]:
    replaced = change.examples if change.gone and change.new else []
    return [*(text for column in change.columns for text in column.examples), *replaced]


def round_trip(pairs: Iterable[TablePair], compare: Compare) -> RehearsalCheck:
    """Check that everything is as before after down and up, by name: new objects have new numbers."""
    lines: list[str] = []
    examples: list[str] = []
    for pair in pairs:
        lines += _missing(pair)
        if may_differ(pair):
            change = compare(pair)
            lines += _other(change)
            examples += _examples(change)
    if not lines:
        return RehearsalCheck(ROUND_TRIP, OK, "Applied again, the migrations give every row and value back.")
    message = f"Applied again, the migrations do not give everything back: {some(lines)}."
    return RehearsalCheck(ROUND_TRIP, WARN, message, tuple(lines), tuple(examples))


def _missing(pair: TablePair) -> Iterator[str]:
    table, now = pair.before, pair.after
    if now is None or now.rows != table.rows:
        if now is not None or table.rows:
            yield f"{table.name} has {now.rows if now else 0:,} of {table.rows:,} rows"
        return
    for number, column in table.columns.items():
        again = pair.columns[number]
        values = again.values if again else 0
        if values != column.values:
            yield f"{table.name}.{column.name} has {values:,} of {column.values:,} values"


def _other(change: TableChange) -> Iterator[str]:
    for column in change.columns:
        # Of values and NULLs the numbers tell already how many more there are, but not which traded places.
        if other := column.other + 2 * min(column.emptied, column.filled):
            rows = number_of(other * change.one_in, "row")
            yield f"{change.name}.{column.name} has other values in {rows}{_sampled(change.one_in)}"
    if change.gone and change.new:
        rows = number_of(change.new * change.one_in, "row")
        yield f"{change.name} has {rows} that were not there{_sampled(change.one_in)}"
    yield from _not_met(change)
