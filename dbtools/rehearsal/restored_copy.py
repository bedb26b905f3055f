"""Restores the backup for a rehearsal; what only a superuser can make is made before, or left out by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dbtools.postgres import backups
from dbtools.postgres.backups import Restored, contents
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.scratch import ScratchServer
from dbtools.postgres.scratch.extensions import named_in


def restore(
    address: DatabaseAddress,
    path: Path,
    scratch: ScratchServer,
    *,
    on_read: Callable[[int], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Restored:
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
    return Restored(seconds, left_out)
