"""How long backups stay. This only lists; whoever deletes writes it down first."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

DAY = 86_400


def expired(folder: Path, days: int, keep: Collection[str] = ()) -> tuple[Path, ...]:
    """The backups that are older than so many days, oldest first.

    Args:
        keep: names of files that are still needed, such as by a rollback under way: never listed.
    """
    limit = time.time() - days * DAY
    old = [
        (path.stat().st_mtime, path)
        for path in folder.glob("*.dump")
        if path.name not in keep and path.is_file() and path.stat().st_mtime < limit
    ]
    return tuple(path for _, path in sorted(old))
