"""Dumps the schema of a database with pg_dump, without the tables of Prisma and of the portal."""

from __future__ import annotations

import subprocess

from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress, DatabaseUnreachable, Error
from dbtools.postgres.dump.facts import RESTRICT
from dbtools.postgres.programs import Child, ClientPrograms, ProgramFailed
from rollback_portal.text import one_line

# Owners, privileges and tablespaces belong to one server; the other two are not the application's schema.
OPTIONS = (
    "--schema-only", "--no-owner", "--no-acl", "--no-tablespaces", "--no-publications", "--no-subscriptions",
    "--no-security-labels", "--exclude-table=*._prisma_migrations", "--exclude-schema=rollback_portal",
    "--lock-wait-timeout=10s", "--no-password",
)  # fmt: skip


class DumpFailed(Exception):
    """pg_dump could not read the schema; `str()` is its message."""


def dump_schema(address: DatabaseAddress, programs: ClientPrograms, schemas: tuple[str, ...] = ()) -> str:
    """The dump of all schemas, or of some.

    Raises:
        DumpFailed: with pg_dump's message.
    """
    selected = [f"--schema={_pattern(name)}" for name in schemas]
    command = [programs.pg_dump, *OPTIONS, *selected]
    try:
        with Child(command, address, output=subprocess.PIPE) as child:
            return child.read_output().decode()
    except ProgramFailed as error:
        raise DumpFailed(f"The schema could not be read: {error}") from None


def try_program(address: DatabaseAddress, programs: ClientPrograms) -> None:
    """Have pg_dump read the definition of the one table that every such database has.

    Raises:
        DumpFailed: it does not get in; with its message.
    """
    table = f"{_pattern(address.schema)}._prisma_migrations"
    command = [
        programs.pg_dump,
        "--schema-only",
        f"--table={table}",
        "--lock-wait-timeout=10s",
        "--no-password",
    ]
    try:
        with Child(command, address) as child:
            child.wait()
    except ProgramFailed as error:
        raise DumpFailed(f"pg_dump {programs.version} cannot read the database: {error}") from None


def dump_after_reload(text: str, empty: DatabaseAddress, programs: ClientPrograms) -> str:
    """Load a dump into an empty database and dump that.

    PostgreSQL rewrites some expressions once when it reads its own text, such as an IN list to an array. A
    restored schema and a newly created one can be compared after both have gone through that.

    Raises:
        DumpFailed: it cannot be loaded.
    """
    try:
        with client.connect(empty, "rehearsal", autocommit=True) as connection:
            connection.execute(RESTRICT.sub("", text).encode())
    except (Error, DatabaseUnreachable) as error:
        raise DumpFailed(f"The schema could not be read in again: {one_line(error)}") from None
    return dump_schema(empty, programs)


def _pattern(name: str) -> str:
    """The name as a pattern of pg_dump that matches it literally."""
    return '"{}"'.format(name.replace('"', '""'))
