"""Restores a backup into a database, completely or not at all."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dbtools.postgres import client
from dbtools.postgres.backups import contents
from dbtools.postgres.backups.verify import BackupUnusable
from dbtools.postgres.client import SQL, Connection, DatabaseAddress, Error, Identifier
from dbtools.postgres.programs import Child, ClientPrograms, ProgramFailed
from rollback_portal.text import one_line

# Roles may not exist on the other server, and a copy must not publish or subscribe to anything.
OPTIONS = ("--no-owner", "--no-acl", "--no-publications", "--no-subscriptions", "--no-password")
ALL_OR_NOTHING = ("--exit-on-error", "--single-transaction")
SETS_TIMEOUT = 17  # pg_restore since 17 sets transaction_timeout, which older servers do not know
UNKNOWN_TIMEOUT = 'unrecognized configuration parameter "transaction_timeout"'
# The version of the archive that each pg_dump writes; pg_restore reads its own and older ones.
# Reference: https://github.com/postgres/postgres/blob/master/src/bin/pg_dump/pg_backup_archiver.h
ARCHIVES = {16: 15, 17: 16}


@dataclass(frozen=True, slots=True)
class Restored:
    """How long a restore took, in seconds, and the event triggers that only a superuser could have made."""

    seconds: float
    event_triggers: tuple[str, ...]


def why_not_readable(dumps: ClientPrograms, restores: ClientPrograms) -> str:
    """Why the one pg_restore cannot read what the other pg_dump writes, as a sentence; "" if it can."""
    if _archive(restores) >= _archive(dumps):
        return ""
    return (
        f"pg_restore {restores.version}, which fits the server for rehearsals, cannot read what pg_dump "
        f"{dumps.version} writes. Configure a server for rehearsals of PostgreSQL {dumps.major} or newer, or "
        "leave scratch out to use the embedded one."
    )


def _archive(programs: ClientPrograms) -> int:
    return max((version for major, version in ARCHIVES.items() if programs.major >= major), default=14)


class RestoreFailed(BackupUnusable):
    """The restore failed and the database is as empty as before; `str()` gives the reason."""


def restore(
    address: DatabaseAddress,
    path: Path,
    programs: ClientPrograms,
    *,
    entries: str = "",
    tablespaces: bool = True,
    on_read: Callable[[int], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> float:
    """Restore into an empty database.

    Args:
        entries: a file with the entries to restore, as pg_restore lists them; "" restores all.
        tablespaces: whether tables go into their tablespaces, which only their own server has.
        on_read: called several times a second with the number of bytes of the file that were read.

    Returns:
        The duration in seconds.

    Raises:
        RestoreFailed: with PostgreSQL's message. Nothing was restored, unless the server is older than 17 and
            pg_restore is not: then the database has to be dropped.
        programs.ProgramStopped: `stop` returned true; as above.
        client.DatabaseUnreachable: no connection.
    """
    began = time.monotonic()
    with client.connect(address, "restore") as connection:
        knows_timeout = not programs.major >= SETS_TIMEOUT > connection.info.server_version // 10_000
    command = [
        programs.pg_restore,
        *OPTIONS,
        *(ALL_OR_NOTHING if knows_timeout else ()),
        *(() if tablespaces else ("--no-tablespaces",)),
        *([f"--use-list={entries}"] if entries else []),
        f"--dbname={_dbname(address.database)}",
        str(path),
    ]
    said: list[str] = []
    with Child(command, address, on_line=said.append, low_priority=True) as child:
        try:
            child.wait(stop=stop, tick=lambda: on_read(_position(child.process.pid, path)))
        except ProgramFailed as error:
            if knows_timeout or child.process.returncode != 1 or not _only_the_timeout(said):
                raise RestoreFailed(f"The backup could not be restored: {_explain(str(error))}") from None
    return time.monotonic() - began


def _position(pid: int, path: Path) -> int:
    """How far a process has read a file; 0 where the system does not say."""
    with suppress(OSError, ValueError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            if descriptor.resolve() == path.resolve():
                information = Path(f"/proc/{pid}/fdinfo/{descriptor.name}").read_text()
                return int(information.split(maxsplit=2)[1])
    return 0


def _only_the_timeout(said: Sequence[str]) -> bool:
    """Whether it came to its end, and all went well but for the setting that an older server lacks."""
    errors = [line for line in said if ": error:" in line]
    ended = bool(said) and said[-1].endswith("errors ignored on restore: 1")
    return ended and len(errors) == 1 and UNKNOWN_TIMEOUT in errors[0]


def _dbname(database: str) -> str:
    """The name, quoted if PostgreSQL's programs would otherwise take it for a connection string."""
    if re.fullmatch(r"[\w-]+", database):
        return database
    return "dbname='{}'".format(database.replace("\\", r"\\").replace("'", r"\'"))


def _explain(message: str) -> str:
    missing = re.search(r'extension "([^"]+)" is not available', message)
    if missing:
        return f"the extension {missing.group(1)} is not installed on that server."
    if "No space left on device" in message:
        return "the disk of the server that it was to be restored to is full."
    return message


def restore_as_new(
    address: DatabaseAddress,
    name: str,
    path: Path,
    programs: ClientPrograms,
    *,
    stop: Callable[[], bool] = lambda: False,
) -> Restored:
    """Restore into a new database on the server of `address`, whose own database is not touched.

    Raises:
        RestoreFailed: the name is taken or invalid, or the restore failed; the new database is dropped again.
        client.DatabaseUnreachable, client.Error: the server did not allow it.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,62}", name):
        raise RestoreFailed(f"{name!r} cannot be a database's name: letters, digits, - and _, 63 at most.")
    with client.connect(address, "restore", autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            raise RestoreFailed(f"The database {name} exists already. Nothing was touched.")
        create_alike(connection, name)
        try:
            lines = contents.entries(path, programs)
            left_out = contents.event_triggers(lines)
            with contents.list_file(contents.without(lines, ())) as chosen:
                entries = chosen if left_out else ""
                new = address.with_database(name)
                return Restored(restore(new, path, programs, entries=entries, stop=stop), left_out)
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
