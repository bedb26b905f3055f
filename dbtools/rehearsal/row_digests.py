"""Counts and digests the rows of a database, to compare its content before and after a run.

Tables and columns are identified by their numbers in the catalog, so that a renamed one does not look lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dbtools.postgres import client
from dbtools.postgres.backups.snapshot import TABLES, display_name
from dbtools.postgres.client import SQL, Connection, DatabaseAddress, Identifier
from dbtools.rehearsal.report import CountChange, Loss

HISTORY = "_prisma_migrations"
# One expression per column: a table may have as many columns as a SELECT may have expressions.
MEASURED = SQL("concat(count({0}), ' ', sum(hashtextextended({0}::text, 0)))")
COLUMNS = """
SELECT c.oid::bigint, n.nspname, c.relname, a.attnum, a.attname FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE (n.nspname, c.relname) IN (SELECT nspname, relname FROM ({tables}) AS tables) ORDER BY 2, 3, 4
"""


@dataclass(frozen=True, slots=True)
class ColumnDigest:
    """One column: the number of its values that are not NULL, and a digest independent of their order."""

    name: str
    values: int
    digest: str


@dataclass(frozen=True, slots=True)
class TableDigest:
    """One table: the number of its rows, and its columns by number."""

    name: str
    rows: int
    columns: dict[int, ColumnDigest]

    @property
    def is_history(self) -> bool:
        return self.name.rpartition(".")[2] == HISTORY


def measure(address: DatabaseAddress) -> dict[int, TableDigest]:
    """Count and digest everything, with one pass over each table."""
    with client.connect(address, "rehearsal", autocommit=True) as connection:
        tables: dict[int, tuple[str, str, dict[int, str]]] = {}
        query = COLUMNS.replace("{tables}", TABLES.replace("ORDER BY 1, 2", ""))
        for oid, schema, table, number, column in connection.execute(query.encode()).fetchall():
            columns = tables.setdefault(oid, (schema, table, {}))[2]
            if column is not None:
                columns[number] = column
        return {oid: _count(connection, *table) for oid, table in tables.items()}


def _count(connection: Connection, schema: str, table: str, columns: dict[int, str]) -> TableDigest:
    expressions = [SQL("count(*)"), *(MEASURED.format(Identifier(name)) for name in columns.values())]
    query = SQL("SELECT {} FROM ONLY {}").format(SQL(", ").join(expressions), Identifier(schema, table))
    rows, *measured = connection.execute(query).fetchone() or (0,)
    digests = {
        number: _column(name, text) for (number, name), text in zip(columns.items(), measured, strict=True)
    }
    return TableDigest(display_name(schema, table), rows, digests)


def _column(name: str, text: str) -> ColumnDigest:
    values, digest = text.split(" ")
    return ColumnDigest(name, int(values), digest)


def counted(before: dict[int, TableDigest], after: dict[int, TableDigest]) -> tuple[CountChange, ...]:
    """The rows of every table before and after, and the columns whose number of values changed."""
    return tuple(
        row
        for oid in sorted({**before, **after}, key=lambda oid: (after.get(oid) or before[oid]).name)
        for row in _counted(before.get(oid), after.get(oid))
    )


def _counted(before: TableDigest | None, after: TableDigest | None) -> Iterator[CountChange]:
    table = after or before
    if table is None or table.is_history:
        return
    name = table.name
    yield CountChange(name, "", before.rows if before else None, after.rows if after else None)
    if before is None or after is None:
        return
    for number in sorted({*before.columns, *after.columns}):
        then, now = before.columns.get(number), after.columns.get(number)
        if then is None or now is None or then.values != now.values:
            column = now or then
            yield CountChange(
                name,
                column.name if column else "",
                then.values if then else None,
                now.values if now else None,
            )


def lost(before: dict[int, TableDigest], after: dict[int, TableDigest], since: str = "") -> tuple[Loss, ...]:
    """What existed before and does not exist any more, the largest loss first.

    Args:
        since: when the dropped tables and columns were created, as text; "" if unknown.
    """
    losses = [loss for oid, table in before.items() for loss in _lost(table, after.get(oid), since)]
    return tuple(sorted(losses, key=lambda loss: (-loss.number, loss.table, loss.column)))


def _lost(table: TableDigest, after: TableDigest | None, since: str) -> Iterator[Loss]:
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
    stays = "It stays" if number == 1 else "They stay"
    return Loss(table, column, number, f"YOU LOSE {what.rstrip(',')}. {stays} in the backup.")


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def _values(number: int) -> str:
    return "1 value" if number == 1 else f"{number:,} values"
