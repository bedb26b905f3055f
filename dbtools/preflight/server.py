"""Checks of the server: a direct connection to a primary of a supported version, not the portal's own."""

from __future__ import annotations

from collections.abc import Iterator

from dbtools.postgres import client
from dbtools.postgres.client import Connection
from dbtools.preflight.check import CheckInput, CheckResult, first_value

OLDEST, NEWEST = 13, 18  # supported major versions


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
