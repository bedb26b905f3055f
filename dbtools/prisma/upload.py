"""Reads a migrations folder from an uploaded archive, in memory only."""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

from dbtools.prisma.folder import LONGEST, InvalidMigrationsFolder, MigrationsFolder, from_files

MOST_BYTES, MOST_FILES = 50 * 1024 * 1024, 20_000
UNREADABLE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError,
    ValueError,
)  # fmt: skip


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
            raise ValueError(f"unpacked it has more than {MOST_FILES} files or {MOST_BYTES // 1024**2} MB")
        if path.startswith("/") or ".." in PurePosixPath(path).parts:
            raise ValueError(f"it holds the path {path[:80]!r}, which leads out of it")
        yield path, content


def _zip(raw: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        for info in archive.infolist():
            if _is_ours(info.filename):
                if info.file_size > LONGEST:
                    raise ValueError(f"{info.filename[:80]} is longer than {LONGEST // 1024**2} MB")
                with archive.open(info) as member:
                    yield info.filename, member.read(LONGEST + 1)


def _tar(raw: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(raw), mode="r:*") as archive:
        for info in archive:
            member = archive.extractfile(info) if info.isfile() and _is_ours(info.name) else None
            if member is not None:
                yield info.name.removeprefix("./"), member.read(LONGEST + 1)


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
