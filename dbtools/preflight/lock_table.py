"""Checks that the servers' lock tables have room: a backup locks every table, a restore all that it makes.

Both do so in one transaction. A full lock table ends it, and other sessions' statements with it.

Reference: https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-MAX-LOCKS-PER-TRANSACTION
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtools.postgres import client
from dbtools.postgres.client import Connection, DatabaseUnreachable, Error
from dbtools.postgres.scratch.locks import relations
from dbtools.preflight.check import CheckInput, CheckResult, first_value

NAME = "Lock table"
COMFORTABLE = 2  # times as much room as is needed; a warning where there is less
ROOM = """
SELECT current_setting('max_locks_per_transaction')::bigint
  * (current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint)
  - (SELECT count(*) FROM pg_locks)
"""
DUMPED = """
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
"""


def check_lock_table(connection: Connection, check_input: CheckInput) -> Iterator[CheckResult]:
    """Check the room for the backup, and for the restore on a configured server.

    An embedded server is started with as much as the restore needs.
    """
    tables = _number(connection, DUMPED)
    results = [*_tight("backup", tables, _number(connection, ROOM), "this server")]
    if check_input.scratch is not None:
        try:
            with client.connect(check_input.scratch, "preflight", autocommit=True) as there:
                room = _number(there, ROOM)
        except (DatabaseUnreachable, Error):
            room = 0  # another check says why
        if room:
            results += _tight("restore", relations(connection), room, "the server for rehearsals")
    if not results:
        results = [CheckResult(NAME, "ok", f"There is room for the locks of {tables:,} tables.")]
    yield max(results, key=lambda result: result.tone == "stop")


def _tight(what: str, needed: int, room: int, where: str) -> Iterator[CheckResult]:
    if needed * COMFORTABLE > room:
        yield CheckResult(
            NAME, "stop" if needed > room else "warn",
            f"The {what} takes {needed:,} locks at once, and {where} has room for {max(room, 0):,} more. "
            "Raise max_locks_per_transaction there; it takes a restart.",
        )  # fmt: skip


def _number(connection: Connection, query: str) -> int:
    return int(str(first_value(connection, query) or 0))
