"""Where PgBouncer is on this machine."""

from __future__ import annotations

import os
import shutil


def pgbouncer() -> str | None:
    """The program, or None where there is none. Debian puts it where only root looks."""
    return shutil.which("pgbouncer", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))
