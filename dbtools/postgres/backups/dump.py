"""Takes a backup: pg_dump in a held snapshot, to a partial file that is the backup once it was read back.

Whatever goes wrong, no file is left that could be taken for a backup: its name ends in `.partial` until the
last byte was read, decompressed and hashed. The next one clears away what a killed worker left.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dbtools.postgres.backups import snapshot
from dbtools.postgres.backups.disk_space import why_no_space
from dbtools.postgres.backups.errors import Canceled, NotTaken
from dbtools.postgres.backups.progress import Meter, Progress
from dbtools.postgres.backups.snapshot import Counting, Snapshot
from dbtools.postgres.backups.verify import NotUsable, read_back
from dbtools.postgres.client import Busy, Error, Target, harmless
from dbtools.postgres.programs import Child, Failed, Programs, Stopped

PARTIAL = ".partial"
COMPRESS = 3  # half the time of the usual 6 for 6 % more bytes, which pays for reading it back


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that was read back whole.

    Attributes:
        rows: of each table, counted in the very snapshot that was dumped.
        seconds: all of it; `read_seconds` of them for reading it back.
    """

    path: str
    sha256: str
    bytes: int
    seconds: float
    read_seconds: float
    rows: tuple[tuple[str, int], ...]
    server_version: str
    program_version: str


def take(
    where: Target,
    programs: Programs,
    folder: Path,
    *,
    progress: Callable[[Progress], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Taken:
    """Take one.

    Args:
        folder: made for us alone where it is not there.
        progress: told twice a second, and for every table.
        stop: asked ten times a second whether it is to be stopped.

    Raises:
        NotTaken: with the reason; `Canceled` where `stop` said so.
        target.Unreachable: the database did not let us in.
    """
    began = time.monotonic()
    try:
        _prepare(folder)
        with snapshot.held(where) as held:
            why = why_no_space(folder, held.bytes)
            if why:
                raise NotTaken(f"{why} No backup was taken.")
            with _partial(folder, where.database) as path:
                meter = Meter(path, len(held.tables), progress, began)
                rows = _dump(where, programs, held, path, meter, stop)
                sha256, size, seconds = _prove(path, programs, meter, stop)
                final = _keep(path)
    except Busy:
        said = f"Somebody has held a table exclusively for more than {snapshot.WAIT_FOR_LOCKS} s."
        raise NotTaken(f"{said} No backup was taken.") from None
    except (Failed, NotUsable) as error:
        raise NotTaken(f"{_in_words(str(error))} No backup was taken.") from None
    except Stopped:
        raise Canceled("The backup was stopped, and what there was of it is deleted.") from None
    except Error as error:
        raise NotTaken(harmless(f"{error} No backup was taken.", where)) from None
    except OSError as error:
        raise NotTaken(f"The backup could not be written: {error.strerror}. No backup was taken.") from None
    return Taken(
        str(final), sha256, size, time.monotonic() - began, seconds, tuple(sorted(rows.items())),
        held.server_version, programs.version,
    )  # fmt: skip


def _prepare(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for left in folder.glob(f"*{PARTIAL}"):
        with left.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # somebody is writing to it
            left.unlink(missing_ok=True)


@contextmanager
def _partial(folder: Path, database: str) -> Iterator[Path]:
    """A file of ours alone, locked while we live, gone unless it was renamed."""
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", database)[:60]
    name = f"{safe}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}.dump{PARTIAL}"
    path = folder / name
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield path
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _dump(
    where: Target, programs: Programs, held: Snapshot, path: Path, meter: Meter, stop: Callable[[], bool]
) -> dict[str, int]:
    command = [
        programs.pg_dump, "--format=custom",
        f"--compress={COMPRESS}", f"--file={path}", f"--snapshot={held.name}", "--verbose",
        f"--lock-wait-timeout={snapshot.WAIT_FOR_LOCKS}s", "--no-password",
    ]  # fmt: skip
    counting = Counting(held.connection, held.tables)
    try:
        with Child(command, where, heard=meter.heard, aside=True) as child:
            child.wait(stop=stop, tick=meter.tick)
        return counting.finish(stop)
    finally:
        counting.end()


def _prove(path: Path, programs: Programs, meter: Meter, stop: Callable[[], bool]) -> tuple[str, int, float]:
    began = time.monotonic()
    with path.open("rb") as file:
        os.fsync(file.fileno())

    def seen(size: int) -> None:
        if stop():
            raise Stopped
        meter.read(size)

    sha256, size = read_back(path, programs, seen=seen)
    return sha256, size, time.monotonic() - began


def _keep(path: Path) -> Path:
    """Only now it gets the name of a backup, and the name is on the disk before anybody is told."""
    final = path.with_name(path.name.removesuffix(PARTIAL))
    path.rename(final)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return final


def _in_words(said: str) -> str:
    if "No space left on device" in said:
        return "The backup folder's volume is full."
    if "canceling statement due to" in said and "LOCK TABLE" in said:
        return f"Somebody has held a table exclusively for more than {snapshot.WAIT_FOR_LOCKS} s."
    return said if said.endswith((".", "!")) else f"{said}."
