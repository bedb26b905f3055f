"""What no schema shows: values that the SQL changes, and what does not come back with the migrations.

Neither can be judged without knowing what was meant, so both are said and nothing is stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbtools.rehearsal.report import OK, WARN, Check
from dbtools.rehearsal.row_digests import Column, Table

CHANGED, ROUND_TRIP = "Values", "Round trip"
SAID = 3  # columns that a sentence names; the others stand in its lines


def changed(before: dict[int, Table], after: dict[int, Table]) -> tuple[Check, ...]:
    """Columns that stay, in tables whose rows stay, with other values than before; none where there is none.

    Values that become NULL are losses and are said as such.
    """
    names = [name for oid, table in before.items() for name in _changed(table, after.get(oid))]
    if not names:
        return ()
    said = f"The SQL changes values that stay: {_some(names)}. Look whether just that is meant."
    return (Check(CHANGED, WARN, said, tuple(names)),)


def _changed(table: Table, after: Table | None) -> Iterator[str]:
    if after is None or table.is_history or table.rows != after.rows:
        return
    for number, column in table.columns.items():
        now = after.columns.get(number)
        if now is not None and now.digest != column.digest and now.values >= column.values:
            yield f"{table.name}.{now.name}"


def round_trip(before: dict[int, Table], again: dict[int, Table]) -> Check:
    """Down and up again: is everything there as before? By names, as what is made anew has new numbers."""
    there = {table.name: table for table in again.values()}
    missing = [
        line
        for table in before.values()
        if not table.is_history
        for line in _missing(table, there.get(table.name))
    ]
    if not missing:
        return Check(ROUND_TRIP, OK, "Applied again, the migrations give every row and value back.")
    said = f"Applied again, the migrations do not give everything back: {_some(missing)}."
    return Check(ROUND_TRIP, WARN, said, tuple(missing))


def _missing(table: Table, now: Table | None) -> Iterator[str]:
    if now is None or now.rows != table.rows:
        if now is not None or table.rows:
            yield f"{table.name} has {now.rows if now else 0:,} of {table.rows:,} rows"
        return
    columns = {column.name: column for column in now.columns.values()}
    for column in table.columns.values():
        found = columns.get(column.name, Column(column.name, 0, ""))
        if found.values != column.values:
            yield f"{table.name}.{column.name} has {found.values:,} of {column.values:,} values"
        elif found.digest != column.digest:
            yield f"{table.name}.{column.name} has other values"


def _some(lines: Sequence[str]) -> str:
    more = len(lines) - SAID
    return ", ".join(lines[:SAID]) + (f", and {more} more" if more > 0 else "")
