"""Reads a migrations folder from an uploaded archive, in memory only.

A few kilobytes can unpack to gigabytes. Not more than `MOST_BYTES` are ever unpacked, also of what is passed
over on the way to our files, and only by methods whose own memory is small.
"""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

from dbtools.prisma.folder import LONGEST, InvalidMigrationsFolder, MigrationsFolder, from_files

MOST_BYTES, MOST_FILES = 50 * 1024 * 1024, 20_000
UNREADABLE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, struct.error, EOFError, OSError, RuntimeError,
    ValueError,
)  # fmt: skip
GZIP = b"\x1f\x8b"
TOO_MUCH = f"unpacked it has more than {MOST_FILES} files or {MOST_BYTES // 1024**2} MB"


def from_archive(raw: bytes, name: str) -> MigrationsFolder:
    """Read a .zip, .tar or .tar.gz.

    Raises:
        InvalidMigrationsFolder: unreadable, too large when unpacked, or without migrations.
    """
    source = f"the upload {PurePosixPath(name).name[:80]}"
    try:
        files = dict(_members(raw))
    except UNREADABLE as error:
        reason = str(error).partition("\n")[0].rstrip(":.")
        raise InvalidMigrationsFolder(
            f"{source} cannot be read as .zip, .tar or .tar.gz: {reason}."
        ) from None
    return from_files(_below_root(files), source)


def _members(raw: bytes) -> Iterator[tuple[str, bytes]]:
    total = 0
    listed = _zip(raw) if zipfile.is_zipfile(io.BytesIO(raw)) else _tar(raw)
    for number, (path, content) in enumerate(listed):
        total += len(content)
        if number >= MOST_FILES or total > MOST_BYTES:
            raise ValueError(TOO_MUCH)
        if path.startswith("/") or ".." in PurePosixPath(path).parts:
            raise ValueError(f"it holds the path {path[:80]!r}, which leads out of it")
        yield path, content


def _zip(raw: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        for info in archive.infolist():
            if _is_ours(info.filename):
                if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise ValueError(f"{info.filename[:80]} is packed by an unusual method")
                if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                    raise ValueError(f"{info.filename[:80]} is a link or a device, not a file")
                if info.file_size > LONGEST:
                    raise ValueError(f"{info.filename[:80]} is longer than {LONGEST // 1024**2} MB")
                with archive.open(info) as member:
                    yield info.filename, member.read(LONGEST + 1)


def _tar(raw: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=_Unpacked(raw), mode="r|") as archive:
        for number, info in enumerate(archive):
            if number >= MOST_FILES:
                raise ValueError(TOO_MUCH)
            if not _is_ours(info.name):
                continue
            if info.isdir():
                raise ValueError(f"{info.name[:80]} is a folder, not a file")
            if not info.isreg() or info.issparse():
                raise ValueError(f"{info.name[:80]} is a link or a device, not a file")
            if info.size > LONGEST:
                raise ValueError(f"{info.name[:80]} is longer than {LONGEST // 1024**2} MB")
            member = archive.extractfile(info)
            if member is not None:
                yield info.name.removeprefix("./"), member.read(LONGEST + 1)


class _Unpacked(io.RawIOBase):
    """What a .tar or .tar.gz unpacks to, as a stream that ends with an error where it becomes too much."""

    def __init__(self, raw: bytes) -> None:
        super().__init__()
        packed = io.BytesIO(raw)
        self._stream: io.BufferedIOBase = gzip.GzipFile(fileobj=packed) if raw.startswith(GZIP) else packed
        self._left = MOST_BYTES

    def read(self, size: int = -1) -> bytes:
        most = self._left + 1
        chunk = self._stream.read(most if size < 0 else min(size, most))
        self._left -= len(chunk)
        if self._left < 0:
            raise ValueError(TOO_MUCH)
        return chunk


def _is_ours(path: str) -> bool:
    return PurePosixPath(path).name in {"migration.sql", "down.sql", "migration_lock.toml"}


def _below_root(files: dict[str, bytes]) -> dict[str, bytes]:
    """The paths relative to the migrations folder, which may be anywhere in the archive."""
    roots = {PurePosixPath(path).parent.parent for path in files if path.endswith("migration.sql")}
    if len(roots) != 1:
        content = f"{len(roots)} folders of migrations" if roots else "no migration.sql"
        raise InvalidMigrationsFolder(f"The upload holds {content}; it has to hold exactly one folder.")
    root = roots.pop()
    return {
        str(PurePosixPath(path).relative_to(root)): data
        for path, data in files.items()
        if PurePosixPath(path).is_relative_to(root)
    }
