"""Checks the rows: values that the SQL changes, and data that the migrations do not bring back.

Neither can be judged without knowing the intention, so both only warn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbtools.rehearsal.report import OK, WARN, RehearsalCheck
from dbtools.rehearsal.row_digests import ColumnDigest, TableDigest

CHANGED, ROUND_TRIP = "Values", "Round trip"
NAMED = 3  # columns named in the sentence; all of them are in `lines`


def changed(before: dict[int, TableDigest], after: dict[int, TableDigest]) -> tuple[RehearsalCheck, ...]:
    """Warn of columns whose values changed although the column and all rows stay.

    Values that become NULL are reported as losses instead.
    """
    names = [name for oid, table in before.items() for name in _changed(table, after.get(oid))]
    if not names:
        return ()
    message = f"The SQL changes values that stay: {_some(names)}. Look whether just that is meant."
    return (RehearsalCheck(CHANGED, WARN, message, tuple(names)),)


def _changed(table: TableDigest, after: TableDigest | None) -> Iterator[str]:
    if after is None or table.is_history or table.rows != after.rows:
        return
    for number, column in table.columns.items():
        now = after.columns.get(number)
        if now is not None and now.digest != column.digest and now.values >= column.values:
            yield f"{table.name}.{now.name}"


def round_trip(before: dict[int, TableDigest], again: dict[int, TableDigest]) -> RehearsalCheck:
    """Check that everything is as before after down and up, by name: new objects have new numbers."""
    by_name = {table.name: table for table in again.values()}
    missing = [
        line
        for table in before.values()
        if not table.is_history
        for line in _missing(table, by_name.get(table.name))
    ]
    if not missing:
        return RehearsalCheck(ROUND_TRIP, OK, "Applied again, the migrations give every row and value back.")
    message = f"Applied again, the migrations do not give everything back: {_some(missing)}."
    return RehearsalCheck(ROUND_TRIP, WARN, message, tuple(missing))


def _missing(table: TableDigest, now: TableDigest | None) -> Iterator[str]:
    if now is None or now.rows != table.rows:
        if now is not None or table.rows:
            yield f"{table.name} has {now.rows if now else 0:,} of {table.rows:,} rows"
        return
    columns = {column.name: column for column in now.columns.values()}
    for column in table.columns.values():
        again = columns.get(column.name, ColumnDigest(column.name, 0, ""))
        if again.values != column.values:
            yield f"{table.name}.{column.name} has {again.values:,} of {column.values:,} values"
        elif again.digest != column.digest:
            yield f"{table.name}.{column.name} has other values"


def _some(lines: Sequence[str]) -> str:
    more = len(lines) - NAMED
    return ", ".join(lines[:NAMED]) + (f", and {more} more" if more > 0 else "")
