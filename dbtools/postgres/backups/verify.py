"""Verifies that a backup file is complete and is the one that was taken.

`pg_restore --list` is not enough, as it reads only the table of contents. Here every byte is read: after the
dump by pg_restore, which has to decompress all of it, and before every use by its SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from dbtools.postgres.programs import Child, ClientPrograms, ProgramFailed

CHUNK = 1 << 20


class BackupUnusable(Exception):
    """This backup must not be used; `str()` gives the reason. Nothing was changed."""


def read_back(
    path: Path, programs: ClientPrograms, *, on_read: Callable[[int], None] = lambda _: None
) -> tuple[str, int]:
    """Feed every byte from the disk to pg_restore, which converts it to SQL that is discarded.

    Args:
        on_read: called with the number of bytes read so far; an exception from it ends the reading.

    Returns:
        The SHA-256 and the number of the bytes that pg_restore accepted.

    Raises:
        BackupUnusable: pg_restore could not read it to its end.
    """
    digest, size, early = hashlib.sha256(), 0, False
    command = [programs.pg_restore, "--file", os.devnull]
    with path.open("rb") as file, Child(command, None, with_stdin=True, low_priority=True) as child:
        # Drop the page cache, so that the bytes come from the disk.
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        reader = child.process.stdin
        while reader is not None and (chunk := file.read(CHUNK)):
            digest.update(chunk)
            size += len(chunk)
            try:
                reader.write(chunk)
            except BrokenPipeError:
                early = True
                break
            on_read(size)
        if reader is not None:
            with suppress(BrokenPipeError):
                reader.close()
        try:
            child.wait()
        except ProgramFailed as error:
            raise BackupUnusable(f"The backup cannot be read to its end: {error}") from None
    if early:
        raise BackupUnusable("The backup goes on after its end: it is not what pg_dump wrote.")
    return digest.hexdigest(), size


def verify(path: Path, sha256: str, size: int) -> None:
    """Read the whole file and compare it with the recorded hash and size.

    Raises:
        BackupUnusable: it is missing, shorter, longer or different.
    """
    digest, actual = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            actual = os.fstat(file.fileno()).st_size
            while actual == size and (chunk := file.read(CHUNK)):
                digest.update(chunk)
    except OSError as error:
        raise BackupUnusable(f"The backup {path.name} cannot be read: {error.strerror}.") from None
    if actual != size:
        raise BackupUnusable(f"The backup {path.name} has {actual:,} bytes; {size:,} were recorded.")
    if not hmac.compare_digest(digest.hexdigest(), sha256):
        raise BackupUnusable(f"The backup {path.name} is not the one that was taken: its SHA-256 differs.")
