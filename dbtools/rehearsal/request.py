"""The input of a rehearsal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dbtools.execution.run_spec import CommittedRun, RunObserver
from dbtools.postgres.client import DatabaseAddress
from dbtools.rehearsal.differences.original_rights import NO_RIGHTS, OriginalRights

# Runs the script as the real run does. The last argument is the current fingerprint of the copy, which may
# differ from that of the real database, because PostgreSQL rewrites some expressions during a restore.
Execute = Callable[[DatabaseAddress, RunObserver, str], CommittedRun]
Fingerprint = Callable[[DatabaseAddress], str]


@dataclass(frozen=True, slots=True)
class MigrationSql:
    """The name and the SQL of a migration."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class RehearsalRequest:
    """What to rehearse.

    Attributes:
        backup, sha256, bytes, rows: the backup as recorded, with the number of rows of each table.
        script_sha256: of the exact bytes of the script.
        statements: the statements of the script, for the report.
        going: the migrations to roll back, oldest first.
        before: all migrations before them in the folder, oldest first.
        why_not_replayed: why `before` does not show what the schema should be; "" if it does.
        schema: the schema that Prisma works in.
        since: when the oldest of `going` was applied, as text; "" if unknown.
        original: the owners, rights and publications of the original.
    """

    backup: str
    sha256: str
    bytes: int
    rows: tuple[tuple[str, int], ...]
    script_sha256: str
    statements: tuple[str, ...]
    going: tuple[MigrationSql, ...]
    before: tuple[MigrationSql, ...]
    why_not_replayed: str = ""
    schema: str = "public"
    since: str = ""
    original: OriginalRights = NO_RIGHTS
