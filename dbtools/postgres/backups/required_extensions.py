"""The extensions that a server has to provide before a backup can be restored to it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from dbtools.postgres.backups.verify import BackupUnusable
from dbtools.postgres.programs import Child, ClientPrograms, ProgramFailed


def extensions(path: Path, programs: ClientPrograms) -> tuple[str, ...]:
    """The extensions that a restore creates, from the file's table of contents.

    Raises:
        BackupUnusable: the table of contents cannot be read.
    """
    try:
        with Child([programs.pg_restore, "--list", str(path)], None, output=subprocess.PIPE) as child:
            contents = child.read_output().decode()
    except ProgramFailed as error:
        raise BackupUnusable(f"The backup cannot be read: {error}") from None
    return tuple(re.findall(r"(?m)^\d+; \d+ \d+ EXTENSION - (\S+)", contents))
