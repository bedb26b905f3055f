"""Temporary databases named `reh_…` on a server for rehearsals: created empty, dropped after use.

A killed worker leaves its databases behind. Their names hold the time of creation and a comment marks them as
the portal's, so that the next worker can drop them once they are too old, and never anybody else's.

Foreign SQL enters them by `ScratchServer.server`, whose role has no rights beyond its own databases.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
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
from dbtools.postgres.scratch import extensions, roles
from dbtools.postgres.scratch.extensions import Extension

log = logging.getLogger(__name__)

NAME = re.compile(r"reh_([0-9a-f]{8})[0-9a-f]{8}")
MARK = "A rehearsal of the rollback portal. It is dropped when the rehearsal ends."
LEAST_AGE = 6 * 3600  # seconds before a leftover is dropped


class ScratchUnavailable(Exception):
    """No scratch database can be created; `str()` gives the reason. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class ScratchServer:
    """A server on which databases may be created, and the client programs that fit it.

    Attributes:
        server: its address for foreign SQL, by a role without rights beyond its own databases.
        admin: its address for the superuser, who makes the databases but never enters one that foreign SQL
            has been in; None for a configured server, where the role of `server` makes them.
    """

    server: DatabaseAddress
    programs: ClientPrograms
    major: int
    admin: DatabaseAddress | None = None

    @classmethod
    def on(
        cls, server: DatabaseAddress, *, folder: str = "", target: DatabaseAddress | None = None
    ) -> ScratchServer:
        """Use a configured server, after dropping what killed workers left there.

        Args:
            folder: with the client programs; "" searches for them.
            target: the database that is to be rolled back, whose server must be another one.

        Raises:
            ScratchUnavailable: no connection, a role that may do too much or too little, the target's own
                server, or no fitting program. Nothing was run there.
        """
        try:
            with client.connect(server, "rehearsal", autocommit=True) as connection:
                major = connection.info.server_version // 10_000
                check_usable(connection, target)
                drop_leftovers(connection)
            return cls(server, find(major, requires_tls=server.requires_tls, folder=folder), major)
        except (DatabaseUnreachable, ProgramNotFound) as error:
            raise ScratchUnavailable(f"The server for rehearsals cannot be used: {error}") from None
        except Error as error:
            raise ScratchUnavailable(
                redact(f"The server for rehearsals cannot be used: {error}", server)
            ) from None

    @property
    def maintenance(self) -> DatabaseAddress:
        """The address by which databases are made and dropped."""
        return self.admin or self.server

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[DatabaseAddress]:
        """An empty database for foreign SQL, or a copy of another one, dropped at the end of the block.

        Args:
            template: the name of the database to copy, to which no connection may be open.

        Raises:
            ScratchUnavailable: it could not be created.
        """
        try:
            with client.connect(self.maintenance, "rehearsal", autocommit=True) as connection:
                name = self.create(connection, template)
        except (DatabaseUnreachable, Error) as error:
            reason = redact(str(error), self.maintenance)
            raise ScratchUnavailable(f"The server for rehearsals made no database: {reason}") from None
        try:
            yield self.server.with_database(name)
        finally:
            self._drop(name)

    def create(self, connection: Connection, template: str = "template0") -> str:
        """Create a database that belongs to the role for foreign SQL, and return its name.

        Raises:
            client.Error: the server refused.
        """
        name = f"reh_{int(time.time()):08x}{secrets.token_hex(4)}"
        command = SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template))
        if template == "template0":
            command += SQL(" ENCODING 'UTF8'")
        elif self.major >= 15:
            command += SQL(" STRATEGY FILE_COPY")  # a third faster
        if self.admin is not None:
            command += SQL(" OWNER {}").format(Identifier(self.server.user))
        connection.execute(command)
        connection.execute(SQL("COMMENT ON DATABASE {} IS {}").format(Identifier(name), client.Literal(MARK)))
        return name

    def provide(self, name: str, needed: Sequence[Extension]) -> tuple[str, ...]:
        """Make extensions in a database that no foreign SQL has entered yet, where the portal may.

        Returns:
            The schemas that were made for them.

        Raises:
            ScratchUnavailable: one of them cannot be made.
        """
        if self.admin is None or not needed:
            return ()
        try:
            with client.connect(self.admin.with_database(name), "rehearsal", autocommit=True) as connection:
                return extensions.provide(connection, needed)
        except (DatabaseUnreachable, Error) as error:
            reason = redact(str(error), self.admin)
            raise ScratchUnavailable(f"The server for rehearsals lacks an extension: {reason}") from None

    def add_roles(self, names: Iterable[str]) -> tuple[str, ...]:
        """Create roles of these names that can do nothing; returns those that were made.

        On a configured server, which outlives the rehearsal, none is made.
        """
        if self.admin is None:
            return ()
        with client.connect(self.admin, "rehearsal", autocommit=True) as connection:
            return roles.add_roles(connection, names)

    def _drop(self, name: str) -> None:
        """Drop it; if the server is unreachable now, the next rehearsal does."""
        try:
            with client.connect(self.maintenance, "rehearsal", autocommit=True) as connection:
                client.drop_database(connection, name)
        except (DatabaseUnreachable, Error) as error:
            log.warning(
                "the rehearsal database %s was not dropped: %s", name, redact(str(error), self.maintenance)
            )

    def lacks(self, names: Sequence[str]) -> str:
        """Which of these extensions cannot be had on the server, as a sentence; "" if all can.

        Raises:
            client.DatabaseUnreachable, client.Error.
        """
        own = self.admin is not None
        return extensions.why_lacking(names, self.available(), embedded=own, major=self.major)

    def available(self) -> set[str]:
        """The extensions that can be created on this server."""
        with client.connect(self.maintenance, "rehearsal", autocommit=True) as connection:
            return {
                name for (name,) in connection.execute("SELECT name FROM pg_available_extensions").fetchall()
            }


def check_usable(connection: Connection, target: DatabaseAddress | None) -> None:
    """Raises `ScratchUnavailable` where foreign SQL must not run on this configured server, or cannot."""
    _check_may_create(connection)
    if too_strong := roles.why_too_strong(connection):
        raise ScratchUnavailable(too_strong)
    if target is not None:
        with client.connect(target, "rehearsal", settings=client.read_only(10)) as other:
            same = roles.system_identifier(other) == roles.system_identifier(connection)
        if same:
            raise ScratchUnavailable(
                "The server for rehearsals is the server of the database itself, or a copy of it: a "
                "migration could reach the original there. Nothing was run. Configure another one, or leave "
                "scratch out."
            )


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
        client.drop_database(connection, name)
    return leftovers


def _age(name: str) -> float:
    """Seconds since it was created; minus infinity if the name is not one of ours."""
    match = NAME.fullmatch(name)
    return time.time() - int(match.group(1), 16) if match else float("-inf")
