"""Is this file whole, and is it the one that was taken?

`pg_restore --list` proves nothing: it reads only the front of the file. Here every byte is read: after the
backup by pg_restore itself, which has to decompress all of it, and before every use by its SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from dbtools.postgres.programs import Child, Failed, Programs

CHUNK = 1 << 20


class NotUsable(Exception):
    """This backup must not be used; `str()` says why. Nothing was changed."""


def read_back(
    path: Path, programs: Programs, *, seen: Callable[[int], None] = lambda _: None
) -> tuple[str, int]:
    """Give every byte from the disk to pg_restore, which turns it into SQL that nobody keeps.

    Args:
        seen: told how many bytes were read so far. What it raises ends the reading.

    Returns:
        The SHA-256 of the very bytes that pg_restore understood, and how many they are.

    Raises:
        NotUsable: pg_restore could not read it to its end.
    """
    digest, size, early = hashlib.sha256(), 0, False
    command = [programs.pg_restore, "--file", os.devnull]
    with path.open("rb") as file, Child(command, None, fed=True, aside=True) as child:
        # Not what the kernel still remembers of the writing, but what the disk gives back.
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
            seen(size)
        if reader is not None:
            with suppress(BrokenPipeError):
                reader.close()
        try:
            child.wait()
        except Failed as error:
            raise NotUsable(f"The backup cannot be read to its end: {error}") from None
    if early:
        raise NotUsable("The backup goes on after its end: it is not what pg_dump wrote.")
    return digest.hexdigest(), size


def verify(path: Path, sha256: str, size: int) -> None:
    """Read the whole file once more and compare it with what was recorded.

    Raises:
        NotUsable: it is missing, shorter, longer or different.
    """
    digest, found = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno()).st_size
            while found == size and (chunk := file.read(CHUNK)):
                digest.update(chunk)
    except OSError as error:
        raise NotUsable(f"The backup {path.name} cannot be read: {error.strerror}.") from None
    if found != size:
        raise NotUsable(f"The backup {path.name} has {found:,} bytes; {size:,} were recorded.")
    if not hmac.compare_digest(digest.hexdigest(), sha256):
        raise NotUsable(f"The backup {path.name} is not the one that was taken: its SHA-256 differs.")
