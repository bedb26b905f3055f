"""Backups: dumped from one snapshot, read back completely, verified before every use, and restored."""

from __future__ import annotations

from dbtools.postgres.backups.disk_space import why_no_room_for_copies, why_no_space
from dbtools.postgres.backups.dump import BackupCanceled, BackupFailed, TakenBackup, take
from dbtools.postgres.backups.progress import BackupProgress
from dbtools.postgres.backups.restore import (
    Restored,
    RestoreFailed,
    restore,
    restore_as_new,
    why_not_readable,
)
from dbtools.postgres.backups.verify import BackupUnusable, verify

__all__ = [
    "BackupCanceled",
    "BackupFailed",
    "BackupProgress",
    "BackupUnusable",
    "RestoreFailed",
    "Restored",
    "TakenBackup",
    "restore",
    "restore_as_new",
    "take",
    "verify",
    "why_no_room_for_copies",
    "why_no_space",
    "why_not_readable",
]  # fmt: skip
