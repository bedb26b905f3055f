"""What a backup needs before it can be restored."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from threading import Thread

from dbtools.postgres.backups.verify import NotUsable
from dbtools.postgres.programs import Child, Failed, Programs


def extensions(path: Path, programs: Programs) -> tuple[str, ...]:
    """The extensions that a restore makes, from the front of the file.

    Raises:
        NotUsable: not even that can be read.
    """
    parts: list[bytes] = []
    try:
        with Child([programs.pg_restore, "--list", str(path)], None, output=subprocess.PIPE) as child:
            reader = Thread(target=lambda: parts.append(child.process.stdout.read()), daemon=True)  # type: ignore[union-attr]
            reader.start()
            child.wait()
            reader.join()
    except Failed as error:
        raise NotUsable(f"The backup cannot be read: {error}") from None
    return tuple(re.findall(r"(?m)^\d+; \d+ \d+ EXTENSION - (\S+)", b"".join(parts).decode()))
