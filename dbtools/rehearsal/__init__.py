"""The rehearsal: runs the exact SQL on a restored copy of the backup: down, up and down again."""

from __future__ import annotations

from dbtools.rehearsal.progress import RehearsalProgress
from dbtools.rehearsal.rehearse import rehearse
from dbtools.rehearsal.report import (
    OK,
    STOP,
    WARN,
    CountChange,
    Loss,
    RehearsalCheck,
    RehearsalReport,
    RehearsedStatement,
    TableLock,
)
from dbtools.rehearsal.request import Execute, Fingerprint, MigrationSql, RehearsalRequest

__all__ = [
    "OK",
    "STOP",
    "WARN",
    "CountChange",
    "Execute",
    "Fingerprint",
    "Loss",
    "MigrationSql",
    "RehearsalCheck",
    "RehearsalProgress",
    "RehearsalReport",
    "RehearsalRequest",
    "RehearsedStatement",
    "TableLock",
    "rehearse",
]  # fmt: skip
