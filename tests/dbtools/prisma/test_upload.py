"""Migrations folders in uploaded archives."""

from __future__ import annotations

import io
import tarfile
import zipfile

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
    ],
)
def test_an_archive_without_exactly_one_folder_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(InvalidMigrationsFolder, match=why):
        from_archive(raw, "../evil/name.zip")
