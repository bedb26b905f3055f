"""What only a person can decide: the values of rows that are in the way of a statement.

The migrations themselves may have written such rows, which are then on the scratch database, too: they are
named and counted. A choice is a statement that a person may take over; none is ever made for them.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from dbtools.down_draft import conversions
from dbtools.postgres.catalog import Catalog, Facet
from dbtools.postgres.client import Connection, Error
from dbtools.sql import literal

MOST_ROWS = 1_000  # of a scratch database, where only migrations have written
NAMED = 5
EXAMPLES = {
    "smallint": "0", "integer": "0", "bigint": "0", "numeric": "0", "real": "0", "double precision": "0",
    "text": "''", "character varying": "''", "character": "''", "citext": "''", "boolean": "false",
    "json": "'{}'", "jsonb": "'{}'", "uuid": "'00000000-0000-0000-0000-000000000000'", "bytea": "''",
    "date": "'2000-01-01'", "timestamp without time zone": "'2000-01-01'", "interval": "'0'",
    "timestamp with time zone": "'2000-01-01'", "time without time zone": "'00:00'",
}  # fmt: skip


def for_empty_column(column: Facet, before: Catalog) -> tuple[str, ...]:
    """The choice of a value for a column that comes back empty and has to have one."""
    value = _example(column, before)
    return (f"UPDATE {_table(column)} SET {column.label} = {value}",)  # noqa: S608 -- quoted by PostgreSQL


def for_values(column: Facet, fits: str, using: str, source: str) -> tuple[str, ...]:
    """The choices for rows whose value the old type does not hold: cut it, or delete the row."""
    return _replaced_or_deleted(column, f"NOT ({fits})", f"({using})::{source}")


def for_misfits(column: Facet, fits: str, before: Catalog) -> tuple[str, ...]:
    """The choices for rows whose value cannot be read as the old type: another value, or delete the row."""
    return _replaced_or_deleted(column, f"NOT ({fits})", _example(column, before))


def for_labels(column: Facet, enum: Facet, gone: tuple[str, ...]) -> tuple[str, ...]:
    """The choices for rows that have a value of the enum which goes away."""
    table, name = _table(column), column.label
    if column.definition.endswith("[]"):
        return tuple(
            f"UPDATE {table} SET {name} = array_remove({name}, {literal(label)}) "  # noqa: S608 -- quoted
            f"WHERE {literal(label)} = ANY ({name}::text[])"
            for label in gone
        )
    among = f"{name}::text IN ({', '.join(map(literal, gone))})"
    return _replaced_or_deleted(column, among, literal(enum.labels[0][1]) if enum.labels else "NULL")


def for_other_values(column: Facet, before: Catalog, values: tuple[str, ...]) -> tuple[str, ...]:
    """The choices for rows whose value cannot be read at all, so that only its text identifies it."""
    among = f"{column.label}::text IN ({', '.join(map(literal, values))})"
    return _replaced_or_deleted(column, among, _example(column, before))


def values_in_the_way(connection: Connection, column: Facet, test: str) -> Counter[str]:
    """The values on the scratch database for which the test is false or raises an error, with their rows."""
    table, found = _table(column), Counter[str]()
    rows = f"SELECT tableoid::regclass::text, ctid::text, {column.label}::text FROM {table}"  # noqa: S608
    query = f"{rows} LIMIT {MOST_ROWS}"
    for part, row, value in connection.execute(query.encode()).fetchall():
        try:
            with connection.transaction():
                one = f"SELECT {test} FROM ONLY {part} WHERE ctid = '{row}'"  # noqa: S608 -- from the catalog
                answer = connection.execute(one.encode()).fetchone()
        except Error:
            answer = (False,)
        if answer is not None and answer[0] is False:
            found[value] += 1
    return found


def describe_values(column: Facet, found: Counter[str]) -> str:
    """Such as "The migrations wrote 1 row of public.u with role 'OWNER'."."""
    named = [f"{_rows(number)} with {column.label} {literal(value[:60])}" for value, number in found.items()]
    more = f" and {len(named) - NAMED} other values" if len(named) > NAMED else ""
    return f"The migrations left {', '.join(named[:NAMED])}{more} in {_table(column)}."


def describe_rows(connection: Connection, table: str) -> str:
    """How many rows of a table the migrations wrote; "" where it cannot be counted."""
    with suppress(Error), connection.transaction():
        row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608 -- quoted
        return f"The migrations left {_rows(row[0])} in {table}." if row else ""
    return ""


def _replaced_or_deleted(column: Facet, where: str, value: str) -> tuple[str, ...]:
    table = _table(column)
    return (
        f"UPDATE {table} SET {column.label} = {value} WHERE {where}",  # noqa: S608 -- quoted by PostgreSQL
        f"DELETE FROM {table} WHERE {where}",  # noqa: S608
    )


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def _table(column: Facet) -> str:
    return column.parent.removeprefix("table ")


def _example(column: Facet, before: Catalog) -> str:
    """A value of the column's type, for a person to replace."""
    if column.definition.endswith("[]"):
        return "'{}'"
    enum = before.facets.get(f"enum {column.definition}")
    if enum and enum.labels:
        return literal(enum.labels[0][1])
    name = conversions.base_name(conversions.kind(before, column.definition))
    return EXAMPLES.get(name, "'…'")
