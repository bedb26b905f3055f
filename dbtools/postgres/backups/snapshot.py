"""One moment of a database, held open: pg_dump sees it, and the rows are counted in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread

from dbtools.postgres import client
from dbtools.postgres.client import SQL, Connection, Error, Identifier, Target
from dbtools.postgres.programs import Stopped

LOOK_EVERY = 0.1  # seconds
WAIT_FOR_LOCKS = 10  # seconds, for tables that somebody else holds exclusively
# A role's own limits must not end the one who holds the moment open.
SESSION = ("statement_timeout=0", "idle_in_transaction_session_timeout=0", f"lock_timeout={WAIT_FOR_LOCKS}s")
NO_LIMIT_ON_TRANSACTIONS = 170_000  # PostgreSQL 17
TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
AND NOT EXISTS (
    SELECT 1 FROM pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
)
ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment that is held open, and what the server said of itself in it."""

    name: str
    tables: tuple[tuple[str, str], ...]
    bytes: int
    server_version: str
    connection: Connection


@contextmanager
def held(where: Target) -> Iterator[Snapshot]:
    """Hold the moment open; every table is kept from being dropped or rebuilt, none from being written to.

    Raises:
        target.Unreachable, target.Error.
    """
    with client.connect(where, "backup", autocommit=True, settings=SESSION) as connection:
        if connection.info.server_version >= NO_LIMIT_ON_TRANSACTIONS:
            connection.execute("SET transaction_timeout = 0")
        tables = tables_of(connection)
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if tables:  # before the snapshot: who waits for such a lock later would wait behind others
            names = SQL(", ").join(Identifier(schema, table) for schema, table in tables)
            connection.execute(SQL("LOCK TABLE ONLY {} IN ACCESS SHARE MODE").format(names))
        row = connection.execute(
            "SELECT pg_export_snapshot(), pg_database_size(current_database()),"
            " current_setting('server_version')"
        ).fetchone()
        name, size, version = row or ("", 0, "")
        yield Snapshot(str(name), tables_of(connection), int(size), str(version), connection)


def tables_of(connection: Connection) -> tuple[tuple[str, str], ...]:
    """Every table that holds rows of its own: schema and name."""
    return tuple((schema, table) for schema, table in connection.execute(TABLES.encode()).fetchall())


class Counting:
    """Counts every table in a thread, on a connection that nobody else uses meanwhile."""

    def __init__(self, connection: Connection, tables: tuple[tuple[str, str], ...]) -> None:
        self.rows: dict[str, int] = {}
        self.error: Error | None = None
        self._connection, self._tables = connection, tables
        self._thread = Thread(target=self._count, name="counting", daemon=True)
        self._thread.start()

    def finish(self, stop: Callable[[], bool]) -> dict[str, int]:
        """Wait until all are counted.

        Raises:
            target.Error: what the server said against it.
            programs.Stopped: `stop` said so.
        """
        while self._thread.is_alive():
            self._thread.join(LOOK_EVERY)
            if stop():
                raise Stopped
        if self.error is not None:
            raise self.error
        return self.rows

    def end(self) -> None:
        """Break it off; nobody needs the numbers any more."""
        if self._thread.is_alive():
            self._connection.cancel()
            self._thread.join()

    def _count(self) -> None:
        try:
            for schema, table in self._tables:
                self.rows[named(schema, table)] = count(self._connection, schema, table)
        except Error as error:
            self.error = error


def counts(connection: Connection) -> dict[str, int]:
    """How many rows each table has at this moment."""
    return {named(*table): count(connection, *table) for table in tables_of(connection)}


def count(connection: Connection, schema: str, table: str) -> int:
    row = connection.execute(SQL("SELECT count(*) FROM ONLY {}").format(Identifier(schema, table))).fetchone()
    return int(row[0]) if row else 0


def named(schema: str, table: str) -> str:
    """How a table is called in the portal: without `public`."""
    return table if schema == "public" else f"{schema}.{table}"
