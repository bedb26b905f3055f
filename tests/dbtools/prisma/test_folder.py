"""A migrations folder: its migrations, and the checksums of their files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dbtools.prisma.folder import InvalidMigrationsFolder, from_disk, from_files
from tests.dbtools.prisma.folders import SQL, files


def test_directories_are_migrations_and_stray_files_are_not() -> None:
    folder = from_files({**files(), "stray.sql": b"x", "2_next/migration.sql": b"SELECT 1;"}, "a test")
    assert list(folder.migrations) == ["1_init", "2_next"]
    assert folder.migrations["1_init"].sql == SQL


def test_a_directory_without_a_script_is_kept() -> None:
    folder = from_files({**files(), "2_empty/": b"", "2_empty/README.md": b""}, "a test")
    assert folder.migrations["2_empty"].sql is None


def test_a_down_sql_is_read() -> None:
    folder = from_files({**files(), "1_init/down.sql": b"DROP TABLE a;"}, "a test")
    assert folder.migrations["1_init"].down == "DROP TABLE a;"


@pytest.mark.parametrize(
    ("raw_files", "why"),
    [
        ({}, "no directory"),
        ({"1_a/readme": b""}, "no directory has a migration.sql"),
        ({"migration_lock.toml": b'provider = "mysql"', "1/migration.sql": b""}, "for mysql"),
        ({"1/migration.sql": b"\xff"}, "not UTF-8"),
        ({"1/migration.sql": b" " * (4 * 1024 * 1024 + 1)}, "longer than 4 MB"),
    ],
)
def test_an_invalid_folder_is_refused_with_the_reason(raw_files: dict[str, bytes], why: str) -> None:
    with pytest.raises(InvalidMigrationsFolder, match=why):
        from_files(raw_files, "a test")


def test_a_checksum_matches_with_either_line_ending_and_from_an_old_version() -> None:
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
    assert {name: migration.sql for name, migration in folder.migrations.items()} == {
        "1_init": SQL,
        "2_none": None,
    }
    with pytest.raises(InvalidMigrationsFolder, match="is not a folder"):
        from_disk(tmp_path / "missing", "the folder")


@pytest.mark.parametrize("what", ["1_init/down.sql", "1_init/migration.sql", "migration_lock.toml", "2_next"])
def test_a_link_that_leads_out_of_the_folder_is_not_followed(what: str, tmp_path: Path) -> None:
    folder, outside = tmp_path / "migrations", tmp_path / "outside"
    for path, content in (*files().items(), ("2_next/migration.sql", b"SELECT 2;")):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    (folder / what).rename(outside) if (folder / what).exists() else outside.write_text("a secret")
    (folder / what).symlink_to(outside)
    with pytest.raises(InvalidMigrationsFolder, match="is a link that leads out of the folder"):
        from_disk(folder, "the folder")


def test_a_link_within_the_folder_is_followed_and_no_more_than_the_bound_is_read(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "migration.sql").write_bytes(SQL.encode())
    (tmp_path / "1_init").symlink_to("data")  # as Kubernetes mounts a volume
    assert from_disk(tmp_path, "the folder").migrations["1_init"].sql == SQL
    with (tmp_path / "data" / "migration.sql").open("wb") as file:
        file.truncate(50 * 1024**3)
    with pytest.raises(InvalidMigrationsFolder, match="longer than 4 MB"):
        from_disk(tmp_path, "the folder")
