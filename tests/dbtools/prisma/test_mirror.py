"""Migrations folders in a git mirror."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dbtools.prisma.folder import InvalidMigrationsFolder
from dbtools.prisma.mirror import GitMirror, MirrorUnavailable
from tests.dbtools.prisma.folders import LOCK, SQL


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
    mirror = GitMirror(str(repository), tmp_path / "mirror.git")
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


def test_errors_of_git_are_reported_in_a_sentence(repository: Path, tmp_path: Path) -> None:
    mirror = GitMirror(str(repository), tmp_path / "mirror.git")
    mirror.fetch()
    with pytest.raises(MirrorUnavailable, match="no commit 1234567"):
        mirror.folder("1234567", "prisma/migrations")
    with pytest.raises(MirrorUnavailable, match="is not a commit"):
        mirror.folder("--upload-pack=x", "prisma/migrations")
    with pytest.raises(InvalidMigrationsFolder, match="no folder elsewhere"):
        mirror.folder(mirror.newest(), "elsewhere")
    with pytest.raises(MirrorUnavailable, match="git says"):
        GitMirror(str(tmp_path / "nowhere"), tmp_path / "other.git").fetch()


def test_a_token_is_never_part_of_an_error(tmp_path: Path) -> None:
    mirror = GitMirror("https://127.0.0.1:1/x.git", tmp_path / "m.git", token="geheim-123")
    with pytest.raises(MirrorUnavailable) as refused:
        mirror.fetch()
    assert "geheim-123" not in str(refused.value)
    assert "geheim-123" not in repr(mirror)
