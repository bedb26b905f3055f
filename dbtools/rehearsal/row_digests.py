"""What is in a database: rows of each table, values of each column and a digest of them, before and after.

Tables and columns are known by their numbers in the catalog, so that one which was only renamed is not
mistaken for one that is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dbtools.postgres import client
from dbtools.postgres.backups.snapshot import TABLES, named
from dbtools.postgres.client import SQL, Connection, Identifier, Target
from dbtools.rehearsal.report import Counted, Loss

HISTORY = "_prisma_migrations"
# In one expression: a table may have as many columns as a SELECT may have expressions.
MEASURED = SQL("concat(count({0}), ' ', sum(hashtextextended({0}::text, 0)))")
COLUMNS = """
SELECT c.oid::bigint, n.nspname, c.relname, a.attnum, a.attname FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE (n.nspname, c.relname) IN (SELECT nspname, relname FROM ({tables}) AS tables) ORDER BY 2, 3, 4
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: how many of its values are not NULL, and a digest of them in any order."""

    name: str
    values: int
    digest: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its rows, and its columns by their number in the catalog."""

    name: str
    rows: int
    columns: dict[int, Column]

    @property
    def is_history(self) -> bool:
        return self.name.rpartition(".")[2] == HISTORY


def measure(where: Target) -> dict[int, Table]:
    """Count everything, one pass over each table."""
    with client.connect(where, "rehearsal", autocommit=True) as connection:
        found: dict[int, tuple[str, str, dict[int, str]]] = {}
        query = COLUMNS.replace("{tables}", TABLES.replace("ORDER BY 1, 2", ""))
        for oid, schema, table, number, column in connection.execute(query.encode()).fetchall():
            columns = found.setdefault(oid, (schema, table, {}))[2]
            if column is not None:
                columns[number] = column
        return {oid: _count(connection, *each) for oid, each in found.items()}


def _count(connection: Connection, schema: str, table: str, columns: dict[int, str]) -> Table:
    asked = [SQL("count(*)"), *(MEASURED.format(Identifier(name)) for name in columns.values())]
    query = SQL("SELECT {} FROM ONLY {}").format(SQL(", ").join(asked), Identifier(schema, table))
    rows, *measured = connection.execute(query).fetchone() or (0,)
    found = zip(columns.items(), measured, strict=True)
    return Table(named(schema, table), rows, {number: _column(name, told) for (number, name), told in found})


def _column(name: str, told: str) -> Column:
    values, digest = told.split(" ")
    return Column(name, int(values), digest)


def counted(before: dict[int, Table], after: dict[int, Table]) -> tuple[Counted, ...]:
    """Every table's rows before and after, and the columns whose values are not what they were."""
    return tuple(
        row
        for oid in sorted({**before, **after}, key=lambda oid: (after.get(oid) or before[oid]).name)
        for row in _counted(before.get(oid), after.get(oid))
    )


def _counted(before: Table | None, after: Table | None) -> Iterator[Counted]:
    table = after or before
    if table is None or table.is_history:
        return
    name = table.name
    yield Counted(name, "", before.rows if before else None, after.rows if after else None)
    if before is None or after is None:
        return
    for number in sorted({*before.columns, *after.columns}):
        then, now = before.columns.get(number), after.columns.get(number)
        if then is None or now is None or then.values != now.values:
            column = now or then
            yield Counted(
                name,
                column.name if column else "",
                then.values if then else None,
                now.values if now else None,
            )


def lost(before: dict[int, Table], after: dict[int, Table], since: str = "") -> tuple[Loss, ...]:
    """What was there before and is not there afterwards, the largest first.

    Args:
        since: when what is dropped came into being, in words; "" where that is not known.
    """
    found = [loss for oid, table in before.items() for loss in _lost(table, after.get(oid), since)]
    return tuple(sorted(found, key=lambda loss: (-loss.number, loss.table, loss.column)))


def _lost(table: Table, after: Table | None, since: str) -> Iterator[Loss]:
    if table.is_history:
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
    for number, column in table.columns.items():
        name, values = column.name, column.values
        if number not in after.columns and values:
            yield _loss(table.name, name, values, f"{_values(values)} of {table.name}.{name}{written}")
        elif number in after.columns and values - after.columns[number].values > max(gone, 0):
            emptied = values - after.columns[number].values
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
