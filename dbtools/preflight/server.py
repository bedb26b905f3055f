"""Checks of the server: a direct connection to a primary of a supported version, not the portal's own."""

from __future__ import annotations

from collections.abc import Iterator

from dbtools.execution.transaction import server_identity
from dbtools.postgres import client
from dbtools.postgres.client import Connection, Error
from dbtools.preflight.check import CheckInput, CheckResult, first_value
from rollback_portal.text import one_line

OLDEST, NEWEST = 13, 18  # supported major versions
# What the run calls, and the look afterwards at what became of its transaction.
NOT_CALLABLE = """
SELECT f FROM unnest(ARRAY['pg_current_wal_lsn()', 'pg_walfile_name(pg_lsn)', 'pg_control_system()',
  'pg_current_xact_id()', 'pg_xact_status(xid8)', 'pg_try_advisory_xact_lock(bigint)',
  'pg_blocking_pids(integer)', 'pg_export_snapshot()']) AS f
WHERE NOT has_function_privilege(f, 'EXECUTE')
"""


def check_direct_connection(connection: Connection, check_input: CheckInput) -> Iterator[CheckResult]:
    """Behind a pooler, the backend process id differs from the one in the connection's startup message."""
    name = "Direct connection"
    with client.connect(check_input.address, "preflight") as other:
        other.execute("SELECT 1")  # occupies a server connection of the pooler, if there is one
        pids = {first_value(connection, "SELECT pg_backend_pid()") for _ in range(2)}
    if pids == {connection.info.backend_pid}:
        yield CheckResult(name, "ok", "The connection leads straight to PostgreSQL.")
    else:
        yield CheckResult(
            name, "stop",
            "The connection goes through a pooler, where session locks and settings are not reliable. "
            "Configure the direct address.",
        )  # fmt: skip


def check_primary(connection: Connection, check_input: CheckInput) -> Iterator[CheckResult]:
    if first_value(connection, "SELECT pg_is_in_recovery()"):
        yield CheckResult(
            "Primary", "stop", "This server is a replica: it cannot be changed. Configure the primary."
        )
    else:
        yield CheckResult("Primary", "ok", "This server is the primary.")


def check_server(connection: Connection, check_input: CheckInput) -> Iterator[CheckResult]:
    version, encoding = connection.info.server_version, first_value(connection, "SHOW server_encoding")
    major = version // 10_000
    if not OLDEST <= major <= NEWEST:
        message = f"The server is PostgreSQL {major}; the wizard supports {OLDEST} to {NEWEST}."
        yield CheckResult("Server", "stop", message)
    elif encoding != "UTF8":
        yield CheckResult("Server", "stop", f"The database's encoding is {encoding}; only UTF8 is supported.")
    else:
        yield CheckResult("Server", "ok", f"PostgreSQL {major}.{version % 10_000}, UTF-8.")


def check_not_the_portal(connection: Connection, check_input: CheckInput) -> Iterator[CheckResult]:
    system = first_value(connection, "SELECT system_identifier::text FROM pg_control_system()")
    if (system, connection.info.dbname) == check_input.portal:
        yield CheckResult("Not the portal", "stop", "This is the portal's own database.")
    else:
        yield CheckResult("Not the portal", "ok", "This is not the portal's own database.")


def check_commit_record(connection: Connection, check_input: CheckInput) -> Iterator[CheckResult]:
    """Check that the run can name its transaction: without that, nobody could look a lost commit up."""
    name, user = "Commit record", connection.info.user
    if first_value(connection, "SELECT pg_is_in_recovery()"):
        return  # a replica has none, and is refused for that
    refused = first_value(connection, NOT_CALLABLE)
    if refused:
        yield CheckResult(
            name, "stop",
            f"{user} may not call {refused}, without which a lost commit could not be looked up. As an "
            f"administrator: GRANT EXECUTE ON FUNCTION {refused} TO {user}.",
        )  # fmt: skip
        return
    try:
        server_identity(connection)
    except Error as error:
        yield CheckResult(
            name, "stop",
            f"The server does not say where its log stands ({one_line(error)}), without which a lost commit "
            "could not be looked up. On Aurora, switch logical replication on (rds.logical_replication = 1).",
        )  # fmt: skip
    else:
        yield CheckResult(name, "ok", "The server can say later what became of a transaction.")
