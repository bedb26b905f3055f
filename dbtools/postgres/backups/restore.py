"""Puts a backup into a database: all of it, or none of it."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable
from pathlib import Path

from dbtools.postgres import client
from dbtools.postgres.backups.verify import NotUsable
from dbtools.postgres.client import SQL, Connection, Error, Identifier, Target
from dbtools.postgres.programs import Child, Failed, Programs

# Roles may not exist where it is restored, and a copy must neither publish nor subscribe to anything.
WAY = (
    "--exit-on-error",
    "--single-transaction",
    "--no-owner",
    "--no-acl",
    "--no-publications",
    "--no-subscriptions",
)
NEEDS_17 = 17  # from here on pg_restore sets what older servers do not know (transaction_timeout)


class NotRestored(NotUsable):
    """The database into which it was to go is as empty as before; `str()` says why."""


def restore(
    where: Target, path: Path, programs: Programs, *, stop: Callable[[], bool] = lambda: False
) -> float:
    """Restore into a database that is empty.

    Returns:
        How many seconds it took.

    Raises:
        NotRestored: with PostgreSQL's words; nothing of it stayed.
        programs.Stopped: `stop` said so; nothing of it stayed.
    """
    began = time.monotonic()
    command = [
        programs.pg_restore,
        *WAY,
        "--no-password",
        f"--dbname={_only_a_name(where.database)}",
        str(path),
    ]
    try:
        with Child(command, where, aside=True) as child:
            child.wait(stop=stop)
    except Failed as error:
        raise NotRestored(f"The backup could not be restored: {_in_words(str(error))}") from None
    return time.monotonic() - began


def _only_a_name(database: str) -> str:
    """PostgreSQL's programs read an address out of a name that looks like one."""
    if re.fullmatch(r"[\w-]+", database):
        return database
    return "dbname='{}'".format(database.replace("\\", r"\\").replace("'", r"\'"))


def _in_words(said: str) -> str:
    missing = re.search(r'extension "([^"]+)" is not available', said)
    if missing:
        return f"the extension {missing.group(1)} is not installed on that server."
    if 'unrecognized configuration parameter "transaction_timeout"' in said:
        return f"pg_restore of {NEEDS_17} or newer cannot restore into this older server: install its own."
    return said


def command(where: Target, path: Path) -> str:
    """The very command for a person at a terminal, who is asked for the password."""
    words = [
        "pg_restore", *WAY, f"--host={where.host}", f"--port={where.port}", f"--username={where.user}",
        f"--dbname={_only_a_name(where.database)}", str(path),
    ]  # fmt: skip
    return shlex.join(word for word in words if not word.endswith("="))


def restore_as_new(
    where: Target, name: str, path: Path, programs: Programs, *, stop: Callable[[], bool] = lambda: False
) -> float:
    """Restore into a database that does not exist yet, on the server of `where`; that one is not touched.

    Returns:
        How many seconds it took.

    Raises:
        NotRestored: the name is taken or is none, or the restore failed; the new database is gone again.
        target.Unreachable, target.Error: the server did not let us do it.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,62}", name):
        raise NotRestored(f"{name!r} cannot be a database's name: letters, digits, - and _, 63 at most.")
    with client.connect(where, "restore", autocommit=True) as connection:
        major = connection.info.server_version // 10_000
        if programs.major >= NEEDS_17 > major:
            raise NotRestored(
                f"pg_restore {programs.version} cannot restore into PostgreSQL {major}. Nothing was made."
            )
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            raise NotRestored(f"The database {name} exists already. Nothing was touched.")
        create_alike(connection, name)
        try:
            return restore(where.named(name), path, programs, stop=stop)
        except BaseException:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
            raise


def create_alike(connection: Connection, name: str) -> None:
    """Make an empty database that sorts and compares as the one that the connection is in.

    Raises:
        NotRestored: the server does not let this role make one.
    """
    row = connection.execute(
        "SELECT to_jsonb(d) FROM pg_database d WHERE datname = current_database()"
    ).fetchone()
    like = row[0] if row else {}
    provider = {"i": "icu", "b": "builtin"}.get(like.get("datlocprovider", "c"))
    options = {"ENCODING": "UTF8", "LC_COLLATE": like["datcollate"], "LC_CTYPE": like["datctype"]}
    locale = like.get("datlocale") or like.get("daticulocale")
    if provider and locale:
        options |= {"LOCALE_PROVIDER": provider, f"{provider.upper()}_LOCALE": locale}
    said = SQL(" ").join(SQL(f"{option} = ") + client.Literal(value) for option, value in options.items())
    try:
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE template0 ").format(Identifier(name)) + said)
    except Error as error:
        raise NotRestored(f"The database {name} could not be made: {' '.join(str(error).split())}") from None
