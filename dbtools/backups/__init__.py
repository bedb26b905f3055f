"""Backups: taken in one snapshot, read back whole, kept, checked again before use, and restored."""

from __future__ import annotations

from dbtools.backups.errors import Canceled, NotTaken
from dbtools.backups.keeping import expired
from dbtools.backups.meter import Progress
from dbtools.backups.proof import NotUsable, verify
from dbtools.backups.restoring import NotRestored, command, restore, restore_as_new
from dbtools.backups.space import why_no_space
from dbtools.backups.taking import Taken, take

__all__ = [
    "Canceled", "NotRestored", "NotTaken", "NotUsable", "Progress", "Taken", "command", "expired", "restore",
    "restore_as_new", "take", "verify", "why_no_space",
]  # fmt: skip
