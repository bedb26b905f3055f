"""Runs one count in a transaction of its own that cannot write, and is rolled back whatever happens.

A transaction that was begun READ ONLY stays so from its first query on: PostgreSQL refuses to switch it back.
What a read-only transaction may do all the same (send a notification, end a session, call another server) is
kept out by the names: see `vetting`.

Reference: https://www.postgresql.org/docs/current/sql-set-transaction.html
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from dbtools.postgres import client
from dbtools.postgres.client import Connection, DatabaseAddress, Error, Interrupted
from dbtools.postgres.counts.vetting import CountedNames, why_not
from rollback_portal.text import one_line

LOCK_SECONDS = 2
# An empty search path finds PostgreSQL's own functions, operators and types and nothing else; and a row that
# row security would hide ends the count instead of making it wrong.
SETTINGS = """
SELECT set_config('search_path', '', true), set_config('row_security', 'off', true),
       set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true),
       set_config('idle_in_transaction_session_timeout', '30s', true)
"""
NOT_READ_ONLY = "the transaction is not read-only"


@dataclass(frozen=True, slots=True)
class Counted:
    """The number; None where it was not counted, with the reason."""

    number: int | None
    why_not: str = ""


def read_only_connection(address: DatabaseAddress, purpose: str, seconds: int) -> Connection:
    """A connection for counts: each of its transactions is read-only already by the session's default.

    Raises:
        client.DatabaseUnreachable.
    """
    settings = client.read_only(seconds, lock_seconds=LOCK_SECONDS)
    return client.connect(address, purpose, autocommit=True, settings=settings)


def count(connection: Connection, query: str, names: CountedNames, seconds: int) -> Counted:
    """Run one count, if everything that it would call is PostgreSQL's own.

    Args:
        query: one SELECT of one number, with every name written out.
        names: all names in it.
        seconds: how long it may take.
    """
    try:
        with _read_only_transaction(connection, seconds):
            reason = why_not(connection, names)
            if reason:
                return Counted(None, reason)
            row = connection.execute(query.encode(), binary=True).fetchone()
            return Counted(int(row[0])) if row else Counted(None, "the server gave no answer")
    except Interrupted:
        return Counted(None, f"it takes longer than {seconds} s")
    except Error as error:
        return Counted(None, one_line(error).rstrip("."))


@contextmanager
def _read_only_transaction(connection: Connection, seconds: int) -> Iterator[None]:
    connection.execute("BEGIN TRANSACTION READ ONLY")
    try:
        connection.execute(SETTINGS.encode(), [f"{seconds}s", f"{LOCK_SECONDS}s"])
        row = connection.execute("SHOW transaction_read_only").fetchone()
        if row is None or row[0] != "on":
            raise Error(NOT_READ_ONLY)
        yield
    finally:
        with suppress(Error):
            connection.execute("ROLLBACK")
