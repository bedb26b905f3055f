"""Free disk space for a backup and its rehearsal, without the reserve that the portal leaves to others."""

from __future__ import annotations

import os
from pathlib import Path

RESERVE = 0.1  # share of the volume
SPACE_FACTOR = 2  # free space required, as a multiple of the size of the data
COPIES = 2  # on the embedded server: the restored backup, and the untouched copy beside it


def why_no_space(folder: Path, size: int) -> str:
    """Why a backup of `size` bytes of data cannot be taken in this folder; "" if it can."""
    try:
        free, reserve = free_and_reserve(folder)
    except OSError as error:
        return f"The backup folder {folder} cannot be looked at: {error.strerror}."
    if free - reserve >= SPACE_FACTOR * size:
        return ""
    return (
        f"The backup folder's volume has {free / 1e6:,.0f} MB free, {reserve / 1e6:,.0f} MB of which stay in "
        f"reserve; {SPACE_FACTOR} × {size / 1e6:,.0f} MB are needed. Free some space, or name another folder."
    )


def why_no_room_for_copies(folder: Path, size: int, *, backup_folder: Path) -> str:
    """Why the copies of a rehearsal do not fit on the volume of an embedded server's data; "" if they do.

    Args:
        size: of the database, in bytes.
        backup_folder: where the backup will lie; on the same volume, it takes its part.
    """
    try:
        free, reserve = free_and_reserve(folder)
        shared = _existing(folder).stat().st_dev == _existing(backup_folder).stat().st_dev
    except OSError as error:
        return f"The folder {folder} for rehearsals cannot be looked at: {error.strerror}."
    times = COPIES + shared
    if free - reserve >= times * size:
        return ""
    backup = ", with the backup on the same volume" if shared else ""
    return (
        f"A rehearsal keeps {COPIES} copies of the database in {folder}. Its volume has {free / 1e6:,.0f} MB "
        f"free, {reserve / 1e6:,.0f} MB of which stay in reserve; {times} × {size / 1e6:,.0f} MB are "
        f"needed{backup}. Free some space, or configure a server for rehearsals."
    )


def reserve_reached(folder: Path) -> bool:
    """Whether the free space is down to the reserve, so that writing has to stop."""
    free, reserve = free_and_reserve(folder)
    return free < reserve


def free_and_reserve(folder: Path) -> tuple[int, int]:
    """Free bytes of the folder's volume, and bytes in reserve. The folder need not exist yet."""
    volume = os.statvfs(_existing(folder))
    return volume.f_bavail * volume.f_frsize, int(volume.f_blocks * volume.f_frsize * RESERVE)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    existing = folder.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    return existing
