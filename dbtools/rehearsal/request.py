"""What a rehearsal is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dbtools.execution.run_spec import Done, Watch
from dbtools.postgres.client import Target

# Runs the script as the run itself does. The last one is the fingerprint that the copy has at that moment:
# PostgreSQL rewrites some expressions when it restores them, so it need not be that of the real database.
Execute = Callable[[Target, Watch, str], Done]
Fingerprint = Callable[[Target], str]


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration of the folder: its name and its SQL."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be rehearsed.

    Attributes:
        backup, sha256, bytes, rows: the backup as it was recorded, with the rows of each table.
        statements: the script's statements, for the report; `script_sha256` is of its exact bytes.
        going: the migrations that are rolled back, oldest first.
        before: all migrations before them in the folder, oldest first.
        why_not_replayed: why `before` cannot stand for the schema before; "" where it can.
        schema: the schema that Prisma works in.
        since: when the oldest of `going` was applied, in words; "" where it is not known.
    """

    backup: str
    sha256: str
    bytes: int
    rows: tuple[tuple[str, int], ...]
    script_sha256: str
    statements: tuple[str, ...]
    going: tuple[Migration, ...]
    before: tuple[Migration, ...]
    why_not_replayed: str = ""
    schema: str = "public"
    since: str = ""
