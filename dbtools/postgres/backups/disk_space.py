"""Whether a volume has room, with a reserve that nobody of ours may use."""

from __future__ import annotations

import os
from pathlib import Path

RESERVE = 0.1  # of the volume
TIMES = 2  # a backup may need this often the size of the data


def why_no_space(folder: Path, size: int) -> str:
    """Why a backup of so many bytes of data cannot be taken here; "" where it can."""
    try:
        free, reserve = room(folder)
    except OSError as error:
        return f"The backup folder {folder} cannot be looked at: {error.strerror}."
    if free - reserve >= TIMES * size:
        return ""
    return (
        f"The backup folder's volume has {free / 1e6:,.0f} MB free, {reserve / 1e6:,.0f} MB of which stay in "
        f"reserve; {TIMES} × {size / 1e6:,.0f} MB are needed. Free some space, or name another folder."
    )


def reserve_is_touched(folder: Path) -> bool:
    """Whether so little is left that whatever fills the volume has to stop."""
    free, reserve = room(folder)
    return free < reserve


def room(folder: Path) -> tuple[int, int]:
    """Free bytes of the folder's volume, and how many are the reserve. The folder need not be there yet."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    volume = os.statvfs(there)
    return volume.f_bavail * volume.f_frsize, int(volume.f_blocks * volume.f_frsize * RESERVE)
