"""A database snapshot that is kept open: pg_dump reads it, and the rows are counted in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread

from dbtools.postgres import client
from dbtools.postgres.client import SQL, Connection, DatabaseAddress, Error, Identifier
from dbtools.postgres.programs import ProgramStopped

POLL_SECONDS = 0.1
LOCK_SECONDS = 10  # wait for tables that another session has locked exclusively
# Timeouts of the role must not end the session that keeps the snapshot open.
SESSION = ("statement_timeout=0", "idle_in_transaction_session_timeout=0", f"lock_timeout={LOCK_SECONDS}s")
HAS_TRANSACTION_TIMEOUT = 170_000  # since PostgreSQL 17
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
SIZES = TABLES.replace("SELECT n.nspname, c.relname", "SELECT n.nspname, c.relname, pg_table_size(c.oid)")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An open snapshot, and what the server reported in it. `sizes` are bytes by schema and table."""

    name: str
    tables: tuple[tuple[str, str], ...]
    sizes: dict[str, int]
    bytes: int
    server_version: str
    connection: Connection


@contextmanager
def export_snapshot(address: DatabaseAddress) -> Iterator[Snapshot]:
    """Export a snapshot and keep it open. No table can be dropped or rewritten meanwhile; writes go on.

    Raises:
        client.DatabaseUnreachable, client.Error.
    """
    with client.connect(address, "backup", autocommit=True, settings=SESSION) as connection:
        if connection.info.server_version >= HAS_TRANSACTION_TIMEOUT:
            connection.execute("SET transaction_timeout = 0")
        tables = tables_of(connection)
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if tables:  # before the snapshot, so that waiting for a lock does not age it
            names = SQL(", ").join(Identifier(schema, table) for schema, table in tables)
            connection.execute(SQL("LOCK TABLE ONLY {} IN ACCESS SHARE MODE").format(names))
        row = connection.execute(
            "SELECT pg_export_snapshot(), pg_database_size(current_database()),"
            " current_setting('server_version')"
        ).fetchone()
        name, size, version = row or ("", 0, "")
        tables = tables_of(connection)
        yield Snapshot(str(name), tables, sizes_of(connection), int(size), str(version), connection)


def tables_of(connection: Connection) -> tuple[tuple[str, str], ...]:
    """Schema and name of every table that stores rows itself."""
    return tuple((schema, table) for schema, table in connection.execute(TABLES.encode()).fetchall())


def sizes_of(connection: Connection) -> dict[str, int]:
    """The bytes of each table that stores rows itself, with its long values and without its indexes."""
    rows = connection.execute(SIZES.encode()).fetchall()
    return {f"{schema}.{table}": int(size) for schema, table, size in rows}


class RowCounter:
    """Counts the rows of every table in a thread, which alone uses the connection meanwhile."""

    def __init__(self, connection: Connection, tables: tuple[tuple[str, str], ...]) -> None:
        self.rows: dict[str, int] = {}
        self.error: Error | None = None
        self._connection, self._tables = connection, tables
        self._thread = Thread(target=self._count, name="row-counter", daemon=True)
        self._thread.start()

    def finish(self, stop: Callable[[], bool]) -> dict[str, int]:
        """Wait until all tables are counted.

        Raises:
            client.Error: counting failed.
            programs.ProgramStopped: `stop` returned true.
        """
        while self._thread.is_alive():
            self._thread.join(POLL_SECONDS)
            if stop():
                raise ProgramStopped
        if self.error is not None:
            raise self.error
        return self.rows

    def end(self) -> None:
        """Cancel the counting."""
        if self._thread.is_alive():
            self._connection.cancel()
            self._thread.join()

    def _count(self) -> None:
        try:
            for schema, table in self._tables:
                self.rows[display_name(schema, table)] = count(self._connection, schema, table)
        except Error as error:
            self.error = error


def counts(connection: Connection) -> dict[str, int]:
    """The number of rows of each table."""
    return {display_name(*table): count(connection, *table) for table in tables_of(connection)}


def count(connection: Connection, schema: str, table: str) -> int:
    row = connection.execute(SQL("SELECT count(*) FROM ONLY {}").format(Identifier(schema, table))).fetchone()
    return int(row[0]) if row else 0


def display_name(schema: str, table: str) -> str:
    """The table's name as the portal shows it: without `public`."""
    return table if schema == "public" else f"{schema}.{table}"
