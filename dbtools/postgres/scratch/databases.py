"""Databases named `reh_…` on a server for rehearsals: made empty, dropped when they are done with.

A worker that was killed leaves its databases behind. Their names say when they were made and a comment says
whose they are, so the next one drops them once their lease is over, and never one that is not ours.
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
from dbtools.postgres.client import SQL, Connection, Error, Identifier, Target, Unreachable, harmless
from dbtools.postgres.programs import NoProgram, Programs, find

log = logging.getLogger(__name__)

NAME = re.compile(r"reh_([0-9a-f]{8})[0-9a-f]{8}")
OURS = "A rehearsal of the rollback portal. It is dropped when the rehearsal ends."
LEASE = 6 * 3600  # seconds


class NoScratch(Exception):
    """The rehearsal has no place here; `str()` says why. Nothing was touched."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """A server that may make databases, and the programs that fit it."""

    server: Target
    programs: Programs
    major: int

    @classmethod
    def on(cls, server: Target, *, named: str = "") -> Scratch:
        """Use a configured server; what a killed worker left there is dropped.

        Args:
            named: a folder with client programs; "" looks for them.

        Raises:
            NoScratch: it cannot be entered, does not let us make databases, or no program fits it.
        """
        try:
            with client.connect(server, "rehearsal", autocommit=True) as connection:
                major = connection.info.server_version // 10_000
                _may_create(connection)
                drop_leftovers(connection)
            return cls(server, find(major, wants_tls=server.wants_tls, named=named), major)
        except (Unreachable, NoProgram) as error:
            raise NoScratch(f"The server for rehearsals cannot be used: {error}") from None
        except Error as error:
            raise NoScratch(harmless(f"The server for rehearsals cannot be used: {error}", server)) from None

    @contextmanager
    def database(self) -> Iterator[Target]:
        """An empty database for as long as the block lasts.

        Raises:
            NoScratch: it could not be made.
        """
        name = f"reh_{int(time.time()):08x}{secrets.token_hex(4)}"
        try:
            with client.connect(self.server, "rehearsal", autocommit=True) as connection:
                connection.execute(
                    SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(Identifier(name))
                )
                connection.execute(
                    SQL("COMMENT ON DATABASE {} IS {}").format(Identifier(name), client.Literal(OURS))
                )
        except (Unreachable, Error) as error:
            said = harmless(str(error), self.server)
            raise NoScratch(f"The server for rehearsals made no database: {said}") from None
        try:
            yield self.server.named(name)
        finally:
            self._drop(name)

    def _drop(self, name: str) -> None:
        """Where the server is away now, the next rehearsal drops it."""
        try:
            with client.connect(self.server, "rehearsal", autocommit=True) as connection:
                _drop(connection, name)
        except (Unreachable, Error) as error:
            log.warning(
                "the rehearsal's database %s was not dropped: %s", name, harmless(str(error), self.server)
            )

    def lacks(self, extensions: Sequence[str]) -> str:
        """Which of these extensions the server does not have, as a sentence; "" where it has them all.

        Raises:
            target.Unreachable, target.Error.
        """
        there = self.available()
        missing = [name for name in extensions if name not in there]
        if not missing:
            return ""
        return (
            f"The server for rehearsals (PostgreSQL {self.major}) lacks the extension {', '.join(missing)}. "
            "Install it there, or configure a server that has it."
        )

    def available(self) -> set[str]:
        """The extensions that can be made there."""
        with client.connect(self.server, "rehearsal", autocommit=True) as connection:
            return {
                name for (name,) in connection.execute("SELECT name FROM pg_available_extensions").fetchall()
            }


def _may_create(connection: Connection) -> None:
    row = connection.execute(
        "SELECT rolname, rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if row is None or not row[1]:
        name = row[0] if row else "that is used"
        raise NoScratch(f"On the server for rehearsals the role {name} may not make databases (CREATEDB).")


def drop_leftovers(connection: Connection, *, lease: float = LEASE) -> tuple[str, ...]:
    """Drop the databases of rehearsals that ended without tidying up; their names."""
    rows = connection.execute(
        "SELECT datname FROM pg_database d WHERE shobj_description(oid, 'pg_database') = %s"
        " AND pg_has_role(current_user, datdba, 'USAGE')"
        " AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datid = d.oid)",
        [OURS],
    ).fetchall()
    left = tuple(name for (name,) in rows if _age(name) > lease)
    for name in left:
        _drop(connection, name)
    return left


def _age(name: str) -> float:
    """Seconds since it was made; none where the name is not one of ours."""
    found = NAME.fullmatch(name)
    return time.time() - int(found.group(1), 16) if found else float("-inf")


def _drop(connection: Connection, name: str) -> None:
    connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
