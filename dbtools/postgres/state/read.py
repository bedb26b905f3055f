"""Reads the state of a database: its configured schemas, and everything that takes part beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dbtools.postgres import catalog
from dbtools.postgres.catalog import Catalog, Facet
from dbtools.postgres.catalog.canonical import canonical
from dbtools.postgres.catalog.read import query_settings
from dbtools.postgres.client import Connection
from dbtools.postgres.state import around, attached, definitions
from dbtools.postgres.state.model import DatabaseState, StatePart, by_key
from dbtools.postgres.state.reach import Surroundings

Row = tuple[int, int, int, str, str, str | None]
# Publications are read with their rows and columns; a name that nobody gave has no meaning.
LEFT_OUT = ("not null name ", "other publication")


def read(connection: Connection, schemas: Sequence[str]) -> DatabaseState:
    """Read it, in the running transaction if there is one."""
    with connection.transaction(), query_settings(connection):
        surroundings = Surroundings(connection)
        whole = catalog.read(connection, surroundings.schemas(schemas), history=True)
        reached = surroundings.reached(whole, schemas)
        parts = [
            *_facets(reached),
            *_orders(whole, reached),
            *_attached(connection, reached),
            *_around(connection),
        ]
    major = connection.info.server_version // 10_000
    return DatabaseState(major, by_key(parts), surroundings.unfollowed(reached.values()))


def _facets(reached: dict[str, Facet]) -> Iterator[StatePart]:
    for facet in reached.values():
        if not facet.key.startswith(LEFT_OUT):
            kind = "generated column" if facet.kind == "column" and facet.computed else facet.kind
            yield StatePart(kind, facet.name, canonical(facet.definition), facet.address[1])


def _orders(whole: Catalog, reached: dict[str, Facet]) -> Iterator[StatePart]:
    for table, columns in whole.order.items():
        if table in reached:
            yield StatePart("order of columns", f"of {table}", ", ".join(columns), 0, table)


def _attached(connection: Connection, reached: dict[str, Facet]) -> Iterator[StatePart]:
    at: dict[tuple[int, int], Facet] = {
        facet.address[:2]: facet
        for facet in reached.values()
        if facet.address[1] and facet.address[2] == 0 and not facet.key.startswith(LEFT_OUT)
    }
    queries = (*attached.queries(connection.info.server_version), *definitions.ALL)
    for class_, oid, _, kind, name, definition in _rows(connection, queries):
        facet = at.get((class_, oid))
        if facet is not None:
            yield StatePart(kind, f"{name} of {facet.key}".strip(), definition or "", 0, facet.key)


def _rows(connection: Connection, queries: Iterable[str]) -> Iterator[Row]:
    for query in queries:
        yield from connection.execute(query.encode()).fetchall()


def _around(connection: Connection) -> Iterator[StatePart]:
    for query in around.queries(connection.info.server_version):
        for kind, name, definition in connection.execute(query.encode()).fetchall():
            yield StatePart(kind, name, definition or "")
