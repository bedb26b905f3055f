"""A place in which a program that foreign SQL starts would leave a mark, and SQL that tries to start one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A hostile author asks first, so that the same text is harmless where it is applied and tried by hand.
ONLY_WHERE_ALLOWED = (
    "IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN EXECUTE {copy}; END IF;"
)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder in which every user of the machine may write, whatever the server runs as."""
    path = Path(tempfile.mkdtemp(prefix="hostile-", dir="/tmp"))
    path.chmod(0o777)
    try:
        yield path
    finally:
        shutil.rmtree(path)


def start_program(mark: Path) -> str:
    """The statement that starts a program, which makes the file."""
    return f"COPY (SELECT 1) TO PROGRAM 'touch {mark}'"


def hidden(mark: Path) -> str:
    """The same as a statement of PL/pgSQL, which does nothing where it may not."""
    return ONLY_WHERE_ALLOWED.format(copy="'{}'".format(start_program(mark).replace("'", "''")))
