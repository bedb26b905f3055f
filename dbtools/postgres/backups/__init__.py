"""Backups: taken in one snapshot, read back whole, kept, checked again before use, and restored."""

from __future__ import annotations

from dbtools.postgres.backups.disk_space import why_no_space
from dbtools.postgres.backups.dump import Taken, take
from dbtools.postgres.backups.errors import Canceled, NotTaken
from dbtools.postgres.backups.keeping import expired
from dbtools.postgres.backups.progress import Progress
from dbtools.postgres.backups.restore import NotRestored, command, restore, restore_as_new
from dbtools.postgres.backups.verify import NotUsable, verify

__all__ = [
    "Canceled", "NotRestored", "NotTaken", "NotUsable", "Progress", "Taken", "command", "expired", "restore",
    "restore_as_new", "take", "verify", "why_no_space",
]  # fmt: skip
