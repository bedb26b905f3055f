"""Migrations folders, from a mounted folder, a git mirror and an upload."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from dbtools.prisma.folder import NotAFolder, from_disk, from_files
from dbtools.prisma.mirror import Mirror, NoMirror
from dbtools.prisma.upload import from_archive

SQL = "CREATE TABLE a (id int);\n"
LOCK = b'# locked\nprovider = "postgresql"\n'


def files(**more: bytes) -> dict[str, bytes]:
    return {"migration_lock.toml": LOCK, "1_init/migration.sql": SQL.encode(), **more}


def test_directories_are_migrations_and_stray_files_are_not() -> None:
    folder = from_files({**files(), "stray.sql": b"x", "2_next/migration.sql": b"SELECT 1;"}, "a test")
    assert list(folder.migrations) == ["1_init", "2_next"]
    assert folder.migrations["1_init"].sql == SQL


def test_a_directory_without_its_file_is_kept_as_such() -> None:
    folder = from_files({**files(), "2_empty/": b"", "2_empty/README.md": b""}, "a test")
    assert folder.migrations["2_empty"].sql is None


def test_a_down_sql_beside_it_is_found() -> None:
    folder = from_files({**files(), "1_init/down.sql": b"DROP TABLE a;"}, "a test")
    assert folder.migrations["1_init"].down == "DROP TABLE a;"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "no directory"),
        ({"1_a/readme": b""}, "no directory has a migration.sql"),
        ({"migration_lock.toml": b'provider = "mysql"', "1/migration.sql": b""}, "for mysql"),
        ({"1/migration.sql": b"\xff"}, "not UTF-8"),
        ({"1/migration.sql": b" " * (4 * 1024 * 1024 + 1)}, "longer than 4 MB"),
    ],
)
def test_what_is_no_folder_is_refused_with_a_sentence(given: dict[str, bytes], why: str) -> None:
    with pytest.raises(NotAFolder, match=why):
        from_files(given, "a test")


def test_a_checksum_is_of_the_file_with_either_line_end_or_of_an_old_version() -> None:
    migration = from_files(files(), "a test").migrations["1_init"]
    plain = hashlib.sha256(SQL.encode()).hexdigest()
    windows = hashlib.sha256(SQL.replace("\n", "\r\n").encode()).hexdigest()
    unpadded = "".join(f"{byte:x}" for byte in bytes.fromhex(plain))
    assert migration.is_of(plain)
    assert migration.is_of(windows)
    assert len(unpadded) == 64 or migration.is_of(unpadded)
    assert not migration.is_of(hashlib.sha256(b"something else").hexdigest())


def test_an_up_and_down_file_is_recognised() -> None:
    text = b"-- Migration: Up\nCREATE TABLE a (id int);\n-- Migration: Down\nDROP TABLE a;\n"
    assert from_files(files(**{"2_x/migration.sql": text}), "a test").migrations["2_x"].holds_its_own_down


def test_a_mounted_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "1_init").mkdir()
    (tmp_path / "1_init" / "migration.sql").write_text(SQL)
    (tmp_path / "2_none").mkdir()
    folder = from_disk(tmp_path, "the folder")
    assert {name: each.sql for name, each in folder.migrations.items()} == {"1_init": SQL, "2_none": None}
    with pytest.raises(NotAFolder, match="is not a folder"):
        from_disk(tmp_path / "missing", "the folder")


# --- git --------------------------------------------------------------------------------------------------
@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "shop"
    (path / "prisma" / "migrations" / "1_init").mkdir(parents=True)
    (path / "prisma" / "migrations" / "1_init" / "migration.sql").write_text(SQL)
    (path / "prisma" / "migrations" / "migration_lock.toml").write_bytes(LOCK)
    git(path, "init", "--quiet", "--initial-branch", "main")
    commit(path, "init")
    return path


def git(path: Path, *words: str) -> str:
    who = ["-c", "user.name=Ana", "-c", "user.email=ana@example.com"]
    done = subprocess.run(["git", *who, *words], cwd=path, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(path: Path, words: str) -> str:
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--message", words)
    return git(path, "rev-parse", "HEAD")


def test_a_mirror_gives_the_folder_at_any_commit(repository: Path, tmp_path: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    mirror = Mirror(str(repository), tmp_path / "mirror.git")
    mirror.fetch()
    second_folder = repository / "prisma" / "migrations" / "2_größe mit leer"
    second_folder.mkdir()
    (second_folder / "migration.sql").write_text("SELECT 'ä';\n")
    (repository / "prisma" / "migrations" / "3_none").mkdir()
    (repository / "prisma" / "migrations" / "3_none" / "notes.md").write_text("x")
    second = commit(repository, "next")
    mirror.fetch()
    assert mirror.newest() == second
    assert list(mirror.folder(first[:9], "prisma/migrations").migrations) == ["1_init"]
    later = mirror.folder(second, "/prisma/migrations/")
    assert later.migrations["2_größe mit leer"].sql == "SELECT 'ä';\n"
    assert later.migrations["3_none"].sql is None
    assert later.commit == second


def test_what_git_cannot_give_is_said_in_a_sentence(repository: Path, tmp_path: Path) -> None:
    mirror = Mirror(str(repository), tmp_path / "mirror.git")
    mirror.fetch()
    with pytest.raises(NoMirror, match="no commit 1234567"):
        mirror.folder("1234567", "prisma/migrations")
    with pytest.raises(NoMirror, match="is not a commit"):
        mirror.folder("--upload-pack=x", "prisma/migrations")
    with pytest.raises(NotAFolder, match="no folder elsewhere"):
        mirror.folder(mirror.newest(), "elsewhere")
    with pytest.raises(NoMirror, match="git says"):
        Mirror(str(tmp_path / "nowhere"), tmp_path / "other.git").fetch()


def test_a_token_never_stands_in_an_error(tmp_path: Path) -> None:
    mirror = Mirror("https://127.0.0.1:1/x.git", tmp_path / "m.git", token="geheim-123")
    with pytest.raises(NoMirror) as refused:
        mirror.fetch()
    assert "geheim-123" not in str(refused.value)
    assert "geheim-123" not in repr(mirror)


# --- uploads ------------------------------------------------------------------------------------------------
def zipped(given: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in given.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def tarred(given: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, content in given.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_is_read_wherever_the_folder_stands_in_it(pack: object) -> None:
    given = {f"shop/prisma/migrations/{path}": content for path, content in files().items()}
    folder = from_archive(pack({**given, "shop/README.md": b"x"}), "shop.zip")  # type: ignore[operator]
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
def test_what_is_no_archive_of_one_folder_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(NotAFolder, match=why):
        from_archive(raw, "../evil/name.zip")
