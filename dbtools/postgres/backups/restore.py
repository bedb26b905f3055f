"""Restores a backup into a database, completely or not at all."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from dbtools.postgres import client
from dbtools.postgres.backups.verify import BackupUnusable
from dbtools.postgres.client import SQL, Connection, DatabaseAddress, Error, Identifier
from dbtools.postgres.programs import Child, ClientPrograms, ProgramFailed
from rollback_portal.text import one_line

# Roles may not exist on the other server, and a copy must not publish or subscribe to anything.
OPTIONS = (
    "--exit-on-error",
    "--single-transaction",
    "--no-owner",
    "--no-acl",
    "--no-publications",
    "--no-subscriptions",
)
SETS_TIMEOUT = 17  # pg_restore since 17 sets transaction_timeout, unknown to older servers


class RestoreFailed(BackupUnusable):
    """The restore failed and the database is as empty as before; `str()` gives the reason."""


def restore(
    address: DatabaseAddress,
    path: Path,
    programs: ClientPrograms,
    *,
    entries: str = "",
    stop: Callable[[], bool] = lambda: False,
) -> float:
    """Restore into an empty database.

    Args:
        entries: a file with the entries to restore, as pg_restore lists them; "" restores all.

    Returns:
        The duration in seconds.

    Raises:
        RestoreFailed: with PostgreSQL's message; nothing was restored.
        programs.ProgramStopped: `stop` returned true; nothing was restored.
    """
    began = time.monotonic()
    command = [
        programs.pg_restore,
        *OPTIONS,
        *([f"--use-list={entries}"] if entries else []),
        "--no-password",
        f"--dbname={_dbname(address.database)}",
        str(path),
    ]
    try:
        with Child(command, address, low_priority=True) as child:
            child.wait(stop=stop)
    except ProgramFailed as error:
        raise RestoreFailed(f"The backup could not be restored: {_explain(str(error))}") from None
    return time.monotonic() - began


def _dbname(database: str) -> str:
    """The name, quoted if PostgreSQL's programs would otherwise take it for a connection string."""
    if re.fullmatch(r"[\w-]+", database):
        return database
    return "dbname='{}'".format(database.replace("\\", r"\\").replace("'", r"\'"))


def _explain(message: str) -> str:
    missing = re.search(r'extension "([^"]+)" is not available', message)
    if missing:
        return f"the extension {missing.group(1)} is not installed on that server."
    if 'unrecognized configuration parameter "transaction_timeout"' in message:
        return (
            f"pg_restore of {SETS_TIMEOUT} or newer cannot restore into this older server: install its own."
        )
    return message


def restore_as_new(
    address: DatabaseAddress,
    name: str,
    path: Path,
    programs: ClientPrograms,
    *,
    stop: Callable[[], bool] = lambda: False,
) -> float:
    """Restore into a new database on the server of `address`, whose own database is not touched.

    Returns:
        The duration in seconds.

    Raises:
        RestoreFailed: the name is taken or invalid, or the restore failed; the new database is dropped again.
        client.DatabaseUnreachable, client.Error: the server did not allow it.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,62}", name):
        raise RestoreFailed(f"{name!r} cannot be a database's name: letters, digits, - and _, 63 at most.")
    with client.connect(address, "restore", autocommit=True) as connection:
        major = connection.info.server_version // 10_000
        if programs.major >= SETS_TIMEOUT > major:
            raise RestoreFailed(
                f"pg_restore {programs.version} cannot restore into PostgreSQL {major}. Nothing was made."
            )
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            raise RestoreFailed(f"The database {name} exists already. Nothing was touched.")
        create_alike(connection, name)
        try:
            return restore(address.with_database(name), path, programs, stop=stop)
        except BaseException:
            client.drop_database(connection, name)
            raise


def create_alike(connection: Connection, name: str) -> None:
    """Create an empty database with the locale of the one that the connection is to.

    Raises:
        RestoreFailed: the server does not let this role create one.
    """
    row = connection.execute(
        "SELECT to_jsonb(d) FROM pg_database d WHERE datname = current_database()"
    ).fetchone()
    template = row[0] if row else {}
    provider = {"i": "icu", "b": "builtin"}.get(template.get("datlocprovider", "c"))
    options = {"ENCODING": "UTF8", "LC_COLLATE": template["datcollate"], "LC_CTYPE": template["datctype"]}
    locale = template.get("datlocale") or template.get("daticulocale")
    if provider and locale:
        options |= {"LOCALE_PROVIDER": provider, f"{provider.upper()}_LOCALE": locale}
    settings = SQL(" ").join(SQL(f"{option} = ") + client.Literal(value) for option, value in options.items())
    try:
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE template0 ").format(Identifier(name)) + settings)
    except Error as error:
        raise RestoreFailed(f"The database {name} could not be made: {one_line(error)}") from None
