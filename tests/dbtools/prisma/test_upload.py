"""Migrations folders in uploaded archives."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest

from dbtools.prisma.folder import InvalidMigrationsFolder
from dbtools.prisma.upload import from_archive
from tests.dbtools.prisma.folders import files


def zipped(raw_files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in raw_files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def tarred(raw_files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, content in raw_files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def linked(kind: bytes) -> bytes:
    """A tar in which a migration is no file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("m/1_init/migration.sql")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    return buffer.getvalue()


def linked_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("m/1_init/migration.sql")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def packed_by(method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("m/1_init/migration.sql", "SELECT 1;")
    return buffer.getvalue()


def bomb(pack: Callable[[bytes], bytes], name: str = "m/README.md") -> bytes:
    """A tar with 200 MB of zeros before the migration."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, size in ((name, 200 * 1024**2), ("m/1_init/migration.sql", 512)):
            info = tarfile.TarInfo(path)
            info.size = size
            archive.addfile(info, io.BytesIO(bytes(size)))
    return pack(buffer.getvalue())


@pytest.mark.parametrize(
    ("pack", "why"),
    [
        (gzip.compress, "more than 20000 files or 50 MB"),
        (lzma.compress, "cannot be read as"),
        (bz2.compress, "cannot be read as"),
    ],
)
def test_a_bomb_is_refused_before_it_is_unpacked(pack: Callable[[bytes], bytes], why: str) -> None:
    raw = bomb(pack)
    assert len(raw) < 1024**2
    tracemalloc.start()
    with pytest.raises(InvalidMigrationsFolder, match=why):
        from_archive(raw, "bomb.tar.gz")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100 * 1024**2


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_the_folder_may_be_anywhere_in_an_archive(pack: object) -> None:
    raw_files = {f"shop/prisma/migrations/{path}": content for path, content in files().items()}
    folder = from_archive(pack({**raw_files, "shop/README.md": b"x"}), "shop.zip")  # type: ignore[operator]
    assert list(folder.migrations) == ["1_init"]
    assert folder.provider == "postgresql"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"not an archive", "cannot be read"),
        (b"", "cannot be read"),
        (zipped({"a.txt": b"x"}), "no migration.sql"),
        (zipped({"a/1/migration.sql": b"x", "b/1/migration.sql": b"y"}), "2 folders"),
        (zipped({"../1/migration.sql": b"x"}), "leads out of it"),
        (zipped({"m/1/migration.sql": b" " * 5_000_000}), "longer than 4 MB"),
        (zipped({f"m/{n}/migration.sql": b" " * 4_000_000 for n in range(14)}), "50 MB"),
        (zipped(files())[:-30], "cannot be read"),
        (tarred({"m/1/migration.sql": b" " * 5_000_000}), "longer than 4 MB"),
        (tarred({f"m/{n}/notes.md": b"" for n in range(20_001)}), "more than 20000 files"),
        (tarred({"../1/migration.sql": b"x"}), "leads out of it"),
        (linked(tarfile.SYMTYPE), "is a link"),
        (linked(tarfile.LNKTYPE), "is a link"),
        (linked(tarfile.FIFOTYPE), "is a link or a device"),
        (linked(tarfile.DIRTYPE), "is a folder"),
        (linked_zip(), "is a link"),
        (packed_by(zipfile.ZIP_LZMA), "unusual method"),
        (packed_by(zipfile.ZIP_BZIP2), "unusual method"),
    ],
)
def test_an_archive_without_exactly_one_folder_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(InvalidMigrationsFolder, match=why):
        from_archive(raw, "../evil/name.zip")
