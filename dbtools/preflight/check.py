"""What the guards are asked about, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dbtools.postgres.client import Connection, Target


@dataclass(frozen=True, slots=True)
class Answer:
    """What one guard says: its name, "ok", "warn" or "stop", and why."""

    guard: str
    tone: str
    message: str


@dataclass(frozen=True, slots=True)
class Question:
    """What the guards are asked about.

    Attributes:
        tables: that the SQL names, as one writes them.
        schemas: that the SQL may touch.
        history: digest of the history as it was read when the migration was chosen.
        backup_folder: where the backup goes.
        programs: the folder of pg_dump and pg_restore; "" where they are looked for.
        portal: system identifier and name of the portal's own database.
    """

    where: Target
    tables: tuple[str, ...]
    schemas: tuple[str, ...]
    history: str
    backup_folder: Path
    programs: str
    portal: tuple[str, str]


Guard = Callable[[Connection, Question], Iterator[Answer]]


def one(connection: Connection, query: str) -> object:
    """The first column of the first row."""
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None
