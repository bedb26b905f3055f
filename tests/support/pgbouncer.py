"""Finds PgBouncer."""

from __future__ import annotations

import os
import shutil


def pgbouncer() -> str | None:
    """The path of the program, or None. Debian installs it in a folder that only root has in its PATH."""
    return shutil.which("pgbouncer", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))
