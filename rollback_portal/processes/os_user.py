"""A user of the operating system that nothing else runs as, for a server that foreign SQL runs on.

It needs no entry in /etc/passwd: the range is the one that systemd takes its dynamic users from.
Reference: https://systemd.io/UIDS-GIDS/
"""

from __future__ import annotations

import grp
import os
import pwd
import random
from pathlib import Path

DYNAMIC = range(61184, 65520)


def can_be_another() -> bool:
    """Whether this process may start one as another user."""
    return os.geteuid() == 0


def free_user_id() -> int:
    """An id that names nobody and that no process has."""
    named = {user.pw_uid for user in pwd.getpwall()} | {group.gr_gid for group in grp.getgrall()}
    free = sorted(set(DYNAMIC) - named - running())
    return random.SystemRandom().choice(free)


def running() -> set[int]:
    """The ids that processes run as."""
    return {uid for entry in Path("/proc").glob("[0-9]*") if (uid := owner_of(entry)) is not None}


def owner_of(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:  # it has ended
        return None


def give(path: Path, user: int) -> None:
    """Give a folder and all that is in it to a user and the group of the same number."""
    os.chown(path, user, user, follow_symlinks=False)
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            os.chown(Path(folder, name), user, user, follow_symlinks=False)


def open_to_others(path: Path) -> bool:
    """Whether any user may pass through all folders above this path."""
    return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)
