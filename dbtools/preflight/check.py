"""The input and the result of preflight checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dbtools.postgres.client import Connection, DatabaseAddress


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check: its name, "ok", "warn" or "stop", and the reason."""

    check: str
    tone: str
    message: str


@dataclass(frozen=True, slots=True)
class CheckInput:
    """What the checks examine.

    Attributes:
        tables: the tables in the SQL, as written there.
        schemas: the schemas that the SQL may change.
        history: digest of the history when the migration was selected.
        backup_folder: where the backup will be written.
        programs: folder of pg_dump and pg_restore; "" to search for them.
        portal: system identifier and name of the portal's own database.
        scratch: the configured server for rehearsals; None uses the embedded one.
        scratch_folder: where the embedded one will keep its data; None with a configured one.
        sql: the script.
        migrations: the SQL of the migrations that are rolled back, and applied again in the rehearsal.
        selected: their names.
    """

    address: DatabaseAddress
    tables: tuple[str, ...]
    schemas: tuple[str, ...]
    history: str
    backup_folder: Path
    programs: str
    portal: tuple[str, str]
    scratch: DatabaseAddress | None = None
    scratch_folder: Path | None = None
    sql: str = ""
    migrations: tuple[str, ...] = ()
    selected: tuple[str, ...] = ()


PreflightCheck = Callable[[Connection, CheckInput], Iterator[CheckResult]]


def first_value(connection: Connection, query: str) -> object:
    """The first column of the first row."""
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None
