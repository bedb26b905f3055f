"""Where the connection leads: straight, to a primary, of a known version, and not to ourselves."""

from __future__ import annotations

from collections.abc import Iterator

from dbtools.postgres import client
from dbtools.postgres.client import Connection
from dbtools.preflight.check import Answer, Question, one

OLDEST, NEWEST = 13, 18  # majors of PostgreSQL that the wizard was made for


def direct(connection: Connection, asked: Question) -> Iterator[Answer]:
    """A pooler shows by a process number that is not the one PostgreSQL greeted us with."""
    name = "Direct connection"
    with client.connect(asked.where, "preflight") as other:
        other.execute("SELECT 1")  # holds a server process of a pooler, where there is one
        pids = {one(connection, "SELECT pg_backend_pid()") for _ in range(2)}
    if pids == {connection.info.backend_pid}:
        yield Answer(name, "ok", "The connection leads straight to PostgreSQL.")
    else:
        yield Answer(
            name, "stop",
            "The connection goes through a pooler, where locks and settings belong to nobody. "
            "Configure the direct address.",
        )  # fmt: skip


def primary(connection: Connection, asked: Question) -> Iterator[Answer]:
    if one(connection, "SELECT pg_is_in_recovery()"):
        yield Answer(
            "Primary", "stop", "This server is a replica: it cannot be changed. Configure the primary."
        )
    else:
        yield Answer("Primary", "ok", "This server is the primary.")


def server(connection: Connection, asked: Question) -> Iterator[Answer]:
    version, encoding = connection.info.server_version, one(connection, "SHOW server_encoding")
    major = version // 10_000
    if not OLDEST <= major <= NEWEST:
        said = f"The server is PostgreSQL {major}; the wizard was made for {OLDEST} to {NEWEST}."
        yield Answer("Server", "stop", said)
    elif encoding != "UTF8":
        yield Answer("Server", "stop", f"The database's encoding is {encoding}; only UTF8 is worked with.")
    else:
        yield Answer("Server", "ok", f"PostgreSQL {major}.{version % 10_000}, UTF-8.")


def not_the_portal(connection: Connection, asked: Question) -> Iterator[Answer]:
    system = one(connection, "SELECT system_identifier::text FROM pg_control_system()")
    if (system, connection.info.dbname) == asked.portal:
        yield Answer("Not the portal", "stop", "This is the portal's own database.")
    else:
        yield Answer("Not the portal", "ok", "This is not the portal's own database.")
