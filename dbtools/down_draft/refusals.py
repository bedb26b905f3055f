"""Why PostgreSQL refused a statement of the draft: for good, or only because of rows."""

from __future__ import annotations

from dataclasses import dataclass

from dbtools.down_draft import decisions
from dbtools.down_draft.attempts import Attempt, DraftStatement
from dbtools.postgres.catalog import Catalog
from dbtools.postgres.client import Connection, Error
from dbtools.sql import quoted
from rollback_portal.text import one_line

# Classes of SQLSTATE: data exceptions and integrity constraint violations.
# Reference: https://www.postgresql.org/docs/current/errcodes-appendix.html
ABOUT_ROWS = ("22", "23")


@dataclass(frozen=True, slots=True)
class Refusal:
    """PostgreSQL's error; `table` is the one it names, `attempt` the one that failed because of rows."""

    message: str
    about_rows: bool = False
    table: str = ""
    attempt: Attempt | None = None

    @staticmethod
    def of(error: Error) -> Refusal:
        schema, table = error.diag.schema_name, error.diag.table_name
        return Refusal(
            f"{(one_line(error) or type(error).__name__).rstrip('.')}.",
            (error.sqlstate or "").startswith(ABOUT_ROWS),
            f"{quoted(schema)}.{quoted(table)}" if schema and table else "",
        )


NO_REFUSAL = Refusal("")


def tables_in_the_way(statement: DraftStatement, named: str, catalog: Catalog) -> tuple[str, ...]:
    """The tables whose rows PostgreSQL refused: the one it named, that of the facet, or all."""
    if named:
        return (named,)
    facet = statement.column or catalog.facets.get(statement.key)
    if facet and facet.parent.startswith("table "):
        return (facet.parent.removeprefix("table "),)
    return tuple(facet.name for facet in catalog.facets.values() if facet.kind == "table")


def explain(
    connection: Connection, statement: DraftStatement, refusal: Refusal, catalog: Catalog
) -> tuple[str, tuple[str, ...]]:
    """Name and count the rows in the way, with choices that suit just them; none where it has its own."""
    column, attempt = statement.column, refusal.attempt
    if column is not None and attempt is not None and attempt.fits:
        found = decisions.values_in_the_way(connection, column, attempt.fits)
        if found:
            choices = attempt.choices or decisions.for_other_values(column, catalog, tuple(found))
            return decisions.describe_values(column, found), choices
    if column is not None and statement.choices:
        table = column.parent.removeprefix("table ")
        return f"{decisions.describe_rows(connection, table)} Choose a value for each of them.", ()
    return f"The migrations left rows that are in its way: {refusal.message} Change or delete them first.", ()
