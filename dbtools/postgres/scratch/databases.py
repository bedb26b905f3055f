"""Temporary databases named `reh_…` on a server for rehearsals: created empty, dropped after use.

A killed worker leaves its databases behind. Their names hold the time of creation and a comment marks them as
the portal's, so that the next worker can drop them once they are too old, and never anybody else's.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from dbtools.postgres import client
from dbtools.postgres.client import (
    SQL,
    Connection,
    DatabaseAddress,
    DatabaseUnreachable,
    Error,
    Identifier,
    redact,
)
from dbtools.postgres.programs import ClientPrograms, ProgramNotFound, find

log = logging.getLogger(__name__)

NAME = re.compile(r"reh_([0-9a-f]{8})[0-9a-f]{8}")
MARK = "A rehearsal of the rollback portal. It is dropped when the rehearsal ends."
LEAST_AGE = 6 * 3600  # seconds before a leftover is dropped


class ScratchUnavailable(Exception):
    """No scratch database can be created; `str()` gives the reason. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class ScratchServer:
    """A server on which databases may be created, and the client programs that fit it."""

    server: DatabaseAddress
    programs: ClientPrograms
    major: int

    @classmethod
    def on(cls, server: DatabaseAddress, *, folder: str = "") -> ScratchServer:
        """Use a configured server, after dropping what killed workers left there.

        Args:
            folder: with the client programs; "" searches for them.

        Raises:
            ScratchUnavailable: no connection, no permission to create databases, or no fitting program.
        """
        try:
            with client.connect(server, "rehearsal", autocommit=True) as connection:
                major = connection.info.server_version // 10_000
                _check_may_create(connection)
                drop_leftovers(connection)
            return cls(server, find(major, requires_tls=server.requires_tls, folder=folder), major)
        except (DatabaseUnreachable, ProgramNotFound) as error:
            raise ScratchUnavailable(f"The server for rehearsals cannot be used: {error}") from None
        except Error as error:
            raise ScratchUnavailable(
                redact(f"The server for rehearsals cannot be used: {error}", server)
            ) from None

    @contextmanager
    def database(self) -> Iterator[DatabaseAddress]:
        """An empty database, dropped at the end of the block.

        Raises:
            ScratchUnavailable: it could not be created.
        """
        name = f"reh_{int(time.time()):08x}{secrets.token_hex(4)}"
        try:
            with client.connect(self.server, "rehearsal", autocommit=True) as connection:
                connection.execute(
                    SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(Identifier(name))
                )
                connection.execute(
                    SQL("COMMENT ON DATABASE {} IS {}").format(Identifier(name), client.Literal(MARK))
                )
        except (DatabaseUnreachable, Error) as error:
            reason = redact(str(error), self.server)
            raise ScratchUnavailable(f"The server for rehearsals made no database: {reason}") from None
        try:
            yield self.server.with_database(name)
        finally:
            self._drop(name)

    def _drop(self, name: str) -> None:
        """Drop it; if the server is unreachable now, the next rehearsal does."""
        try:
            with client.connect(self.server, "rehearsal", autocommit=True) as connection:
                _drop(connection, name)
        except (DatabaseUnreachable, Error) as error:
            log.warning(
                "the rehearsal database %s was not dropped: %s", name, redact(str(error), self.server)
            )

    def lacks(self, extensions: Sequence[str]) -> str:
        """Which of these extensions the server does not have, as a sentence; "" if it has them all.

        Raises:
            client.DatabaseUnreachable, client.Error.
        """
        available = self.available()
        missing = [name for name in extensions if name not in available]
        if not missing:
            return ""
        return (
            f"The server for rehearsals (PostgreSQL {self.major}) lacks the extension {', '.join(missing)}. "
            "Install it there, or configure a server that has it."
        )

    def available(self) -> set[str]:
        """The extensions that can be created on this server."""
        with client.connect(self.server, "rehearsal", autocommit=True) as connection:
            return {
                name for (name,) in connection.execute("SELECT name FROM pg_available_extensions").fetchall()
            }


def _check_may_create(connection: Connection) -> None:
    row = connection.execute(
        "SELECT rolname, rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if row is None or not row[1]:
        name = row[0] if row else "that is used"
        raise ScratchUnavailable(
            f"On the server for rehearsals the role {name} may not make databases (CREATEDB)."
        )


def drop_leftovers(connection: Connection, *, least_age: float = LEAST_AGE) -> tuple[str, ...]:
    """Drop the databases that killed workers left behind, and return their names."""
    rows = connection.execute(
        "SELECT datname FROM pg_database d WHERE shobj_description(oid, 'pg_database') = %s"
        " AND pg_has_role(current_user, datdba, 'USAGE')"
        " AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datid = d.oid)",
        [MARK],
    ).fetchall()
    leftovers = tuple(name for (name,) in rows if _age(name) > least_age)
    for name in leftovers:
        _drop(connection, name)
    return leftovers


def _age(name: str) -> float:
    """Seconds since it was created; minus infinity if the name is not one of ours."""
    match = NAME.fullmatch(name)
    return time.time() - int(match.group(1), 16) if match else float("-inf")


def _drop(connection: Connection, name: str) -> None:
    connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
