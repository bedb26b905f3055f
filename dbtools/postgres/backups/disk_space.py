"""Free disk space for a backup, without the reserve that the portal leaves to others."""

from __future__ import annotations

import os
from pathlib import Path

RESERVE = 0.1  # share of the volume
SPACE_FACTOR = 2  # free space required, as a multiple of the size of the data


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


def reserve_reached(folder: Path) -> bool:
    """Whether the free space is down to the reserve, so that writing has to stop."""
    free, reserve = free_and_reserve(folder)
    return free < reserve


def free_and_reserve(folder: Path) -> tuple[int, int]:
    """Free bytes of the folder's volume, and bytes in reserve. The folder need not exist yet."""
    existing = folder.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    volume = os.statvfs(existing)
    return volume.f_bavail * volume.f_frsize, int(volume.f_blocks * volume.f_frsize * RESERVE)
