"""Restores the backup for a rehearsal; what only a superuser can make is made before, or left out by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dbtools.postgres import backups
from dbtools.postgres.backups import contents
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.scratch import ScratchServer
from dbtools.postgres.scratch.extensions import named_in


@dataclass(frozen=True, slots=True)
class RestoredCopy:
    """How long the restore took, in seconds, and the event triggers that the copy lacks."""

    seconds: float
    event_triggers: tuple[str, ...]


def restore(
    address: DatabaseAddress,
    path: Path,
    scratch: ScratchServer,
    *,
    on_read: Callable[[int], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> RestoredCopy:
    """Restore the backup into an empty database of the server, as the role for foreign SQL.

    Args:
        on_read: called with the number of bytes of the backup that were read.

    Raises:
        backups.BackupUnusable: it cannot be read or restored.
        ScratchUnavailable: an extension cannot be made.
        programs.ProgramStopped: `stop` returned true.
    """
    lines = contents.entries(path, scratch.programs)
    needed = named_in([contents.extension_statements(path, scratch.programs)])
    made = scratch.provide(address.database, needed)
    left_out = contents.event_triggers(lines)
    with contents.list_file(contents.without(lines, made)) as chosen:
        entries = chosen if made or left_out else ""
        seconds = backups.restore(
            address, path, scratch.programs, entries=entries, tablespaces=False, on_read=on_read, stop=stop
        )
    return RestoredCopy(seconds, left_out)
