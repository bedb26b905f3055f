"""The schema of a database as pg_dump writes it, without what is the portal's or Prisma's own."""

from __future__ import annotations

import subprocess
from threading import Thread

from dbtools.postgres import client
from dbtools.postgres.client import Error, Target, Unreachable
from dbtools.postgres.dump.facts import RESTRICT
from dbtools.postgres.programs import Child, Failed, Programs

WAIT = "--lock-wait-timeout=10s"
# Owners, rights and disks belong to one server; the history and our marker are not the application's schema.
SHOWN = (
    "--schema-only", "--no-owner", "--no-acl", "--no-tablespaces", "--no-publications", "--no-subscriptions",
    "--no-security-labels", "--exclude-table=*._prisma_migrations", "--exclude-schema=rollback_portal",
)  # fmt: skip


class NotDumped(Exception):
    """pg_dump could not read the schema; `str()` is what it said."""


def dump_schema(where: Target, programs: Programs, schemas: tuple[str, ...] = ()) -> str:
    """The text of the whole schema, or of some schemas, as it came from pg_dump.

    Raises:
        NotDumped: with pg_dump's words.
    """
    chosen = [f"--schema={_pattern(name)}" for name in schemas]
    command = [programs.pg_dump, *SHOWN, *chosen, WAIT, "--no-password"]
    parts: list[bytes] = []
    try:
        with Child(command, where, output=subprocess.PIPE) as child:
            reader = Thread(target=lambda: parts.append(child.process.stdout.read()), daemon=True)  # type: ignore[union-attr]
            reader.start()
            child.wait()
            reader.join()
    except Failed as error:
        raise NotDumped(f"The schema could not be read: {error}") from None
    return b"".join(parts).decode()


def settle(text: str, empty: Target, programs: Programs) -> str:
    """The schema once its text was read in again, in a database that is empty.

    PostgreSQL rewrites some expressions when it reads its own text (an IN list becomes an array), once and
    for all. What was restored is compared with what was typed only after both have gone through that.

    Raises:
        NotDumped: it cannot be read in again.
    """
    try:
        with client.connect(empty, "rehearsal", autocommit=True) as connection:
            connection.execute(RESTRICT.sub("", text).encode())
    except (Error, Unreachable) as error:
        raise NotDumped(f"The schema could not be read in again: {' '.join(str(error).split())}") from None
    return dump_schema(empty, programs)


def _pattern(name: str) -> str:
    """A name as pg_dump's patterns take it literally."""
    return '"{}"'.format(name.replace('"', '""'))
