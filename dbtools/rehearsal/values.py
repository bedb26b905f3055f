"""What is in a database, counted: rows of each table and values of each column, before and after.

Tables and columns are known by their numbers in the catalog, so that one which was only renamed is not
mistaken for one that is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dbtools import target
from dbtools.backups.snapshot import TABLES, named
from dbtools.rehearsal.report import Counted, Loss
from dbtools.target import SQL, Connection, Identifier, Target

HISTORY = "_prisma_migrations"
COLUMNS = """
SELECT c.oid::bigint, n.nspname, c.relname, a.attnum, a.attname FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE (n.nspname, c.relname) IN (SELECT nspname, relname FROM ({tables}) AS tables) ORDER BY 2, 3, 4
"""


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its rows, and how many values each column has that are not NULL."""

    name: str
    rows: int
    columns: dict[int, tuple[str, int]]


def measure(where: Target) -> dict[int, Table]:
    """Count everything, one pass over each table."""
    with target.connect(where, "rehearsal", autocommit=True) as connection:
        found: dict[int, tuple[str, str, dict[int, str]]] = {}
        query = COLUMNS.replace("{tables}", TABLES.replace("ORDER BY 1, 2", ""))
        for oid, schema, table, number, column in connection.execute(query.encode()).fetchall():
            columns = found.setdefault(oid, (schema, table, {}))[2]
            if column is not None:
                columns[number] = column
        return {oid: _count(connection, *each) for oid, each in found.items()}


def _count(connection: Connection, schema: str, table: str, columns: dict[int, str]) -> Table:
    asked = [SQL("count(*)"), *(SQL("count({})").format(Identifier(name)) for name in columns.values())]
    query = SQL("SELECT {} FROM ONLY {}").format(SQL(", ").join(asked), Identifier(schema, table))
    rows, *values = connection.execute(query).fetchone() or (0,)
    counted = zip(columns.items(), values, strict=True)
    return Table(named(schema, table), rows, {number: (name, count) for (number, name), count in counted})


def counted(before: dict[int, Table], after: dict[int, Table]) -> tuple[Counted, ...]:
    """Every table's rows before and after, and the columns whose values are not what they were."""
    return tuple(
        row
        for oid in sorted({**before, **after}, key=lambda oid: (after.get(oid) or before[oid]).name)
        for row in _counted(before.get(oid), after.get(oid))
    )


def _counted(before: Table | None, after: Table | None) -> Iterator[Counted]:
    name = (after or before or Table("", 0, {})).name
    if name.rpartition(".")[2] == HISTORY:
        return
    yield Counted(name, "", before.rows if before else None, after.rows if after else None)
    if before is None or after is None:
        return
    for number in sorted({*before.columns, *after.columns}):
        then, now = before.columns.get(number), after.columns.get(number)
        if then is None or now is None or then[1] != now[1]:
            column = (now or then or ("", 0))[0]
            yield Counted(name, column, then[1] if then else None, now[1] if now else None)


def lost(before: dict[int, Table], after: dict[int, Table], since: str = "") -> tuple[Loss, ...]:
    """What was there before and is not there afterwards, the largest first.

    Args:
        since: when what is dropped came into being, in words; "" where that is not known.
    """
    found = [loss for oid, table in before.items() for loss in _lost(table, after.get(oid), since)]
    return tuple(sorted(found, key=lambda loss: (-loss.number, loss.table, loss.column)))


def _lost(table: Table, after: Table | None, since: str) -> Iterator[Loss]:
    if table.name.rpartition(".")[2] == HISTORY:
        return
    written = f" written since {since}" if since else ""
    if after is None:
        if table.rows:
            yield _loss(
                table.name, "", table.rows, f"{_rows(table.rows)} of {table.name}, the whole table,{written}"
            )
        return
    gone = table.rows - after.rows
    if gone > 0:
        yield _loss(table.name, "", gone, f"{_rows(gone)} of {table.name}")
    for number, (name, values) in table.columns.items():
        if number not in after.columns and values:
            yield _loss(table.name, name, values, f"{_values(values)} of {table.name}.{name}{written}")
        elif number in after.columns and values - after.columns[number][1] > max(gone, 0):
            emptied = values - after.columns[number][1]
            yield _loss(
                table.name, name, emptied, f"{_values(emptied)} of {table.name}.{name}, which become NULL"
            )


def _loss(table: str, column: str, number: int, what: str) -> Loss:
    they = "It stays" if number == 1 else "They stay"
    return Loss(table, column, number, f"YOU LOSE {what.rstrip(',')}. {they} in the backup.")


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def _values(number: int) -> str:
    return "1 value" if number == 1 else f"{number:,} values"
