"""Migrations folders in a git mirror."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dbtools.prisma import git as git_module
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


def proposed_by_a_fork(repository: Path) -> str:
    """A commit that only a pull request names."""
    git(repository, "checkout", "--quiet", "-b", "foreign")
    (repository / "prisma" / "migrations" / "1_init" / "migration.sql").write_text("DROP TABLE users;")
    foreign = commit(repository, "from a fork")
    git(repository, "update-ref", "refs/pull/7/head", foreign)
    git(repository, "checkout", "--quiet", "main")
    git(repository, "branch", "--quiet", "-D", "foreign")
    return foreign


def test_only_branches_and_tags_are_fetched(repository: Path, tmp_path: Path) -> None:
    git(repository, "tag", "v1")
    foreign = proposed_by_a_fork(repository)
    mirror = GitMirror(str(repository), tmp_path / "mirror.git")
    mirror.fetch()
    refs = git(tmp_path / "mirror.git", "for-each-ref", "--format=%(refname)").split()
    assert refs == ["refs/heads/main", "refs/tags/v1"]
    with pytest.raises(MirrorUnavailable, match="no commit"):
        mirror.folder(foreign, "prisma/migrations")


def test_a_mirror_of_everything_is_made_anew(repository: Path, tmp_path: Path) -> None:
    foreign = proposed_by_a_fork(repository)
    old = tmp_path / "mirror.git"
    git(tmp_path, "clone", "--quiet", "--mirror", str(repository), str(old))
    mirror = GitMirror(str(repository), old)
    assert mirror.commit(foreign) == foreign
    mirror.fetch()
    with pytest.raises(MirrorUnavailable, match="no commit"):
        mirror.commit(foreign)
    assert list(mirror.folder(mirror.newest(), "prisma/migrations").migrations) == ["1_init"]


def test_a_branch_that_was_deleted_is_pruned_and_the_default_branch_followed(
    repository: Path, tmp_path: Path
) -> None:
    mirror = GitMirror(str(repository), tmp_path / "mirror.git")
    mirror.fetch()
    git(repository, "checkout", "--quiet", "-b", "trunk")
    newest = commit_file(repository, "prisma/migrations/2_b/migration.sql", "SELECT 1;")
    git(repository, "branch", "--quiet", "-D", "main")
    mirror.fetch()
    assert mirror.newest() == newest


def commit_file(path: Path, name: str, content: str) -> str:
    (path / name).parent.mkdir(parents=True, exist_ok=True)
    (path / name).write_text(content)
    return commit(path, name)


def linked(path: Path) -> None:
    target = path / "prisma" / "migrations" / "2_b" / "migration.sql"
    target.parent.mkdir()
    target.symlink_to("/etc/passwd")


def linked_directory(path: Path) -> None:
    (path / "prisma" / "migrations" / "2_b").symlink_to("1_init")


def submodule(path: Path) -> None:
    head = git(path, "rev-parse", "HEAD")
    git(path, "update-index", "--add", "--cacheinfo", f"160000,{head},prisma/migrations/2_b")
    git(path, "commit", "--quiet", "--message", "a link")


def too_long(path: Path) -> None:
    commit_file(path, "prisma/migrations/2_b/migration.sql", "-" * (4 * 1024 * 1024 + 1))


def a_directory(path: Path) -> None:
    commit_file(path, "prisma/migrations/2_b/migration.sql/x", "SELECT 1;")


def many_long_ones(path: Path) -> None:
    for number in range(13):
        commit_file(path, f"prisma/migrations/{number}_b/migration.sql", f"{number}" + "-" * 4_100_000)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (linked, "2_b/migration.sql is a symbolic link"),
        (linked_directory, "2_b is a symbolic link"),
        (submodule, "2_b is a link to another repository"),
        (too_long, "2_b/migration.sql is longer than 4 MB"),
        (a_directory, "2_b/migration.sql is a directory"),
        (many_long_ones, "more than 50 MB"),
    ],
)
def test_what_is_no_file_or_too_long_is_refused_in_words(
    repository: Path, tmp_path: Path, change: Callable[[Path], None], why: str
) -> None:
    change(repository)
    if git(repository, "status", "--porcelain", "prisma") and change is not submodule:
        commit(repository, "evil")
    mirror = GitMirror(str(repository), tmp_path / "mirror.git")
    mirror.fetch()
    with pytest.raises(InvalidMigrationsFolder, match=why):
        mirror.folder(mirror.newest(), "prisma/migrations")


def test_links_elsewhere_in_the_folder_are_passed_over(repository: Path, tmp_path: Path) -> None:
    (repository / "prisma" / "migrations" / "1_init" / "notes.md").symlink_to("/etc/passwd")
    mirror = GitMirror(str(repository), tmp_path / "mirror.git")
    commit(repository, "a link")
    mirror.fetch()
    assert list(mirror.folder(mirror.newest(), "prisma/migrations").migrations) == ["1_init"]


@pytest.mark.parametrize("address", ["ext::sh -c touch% {mark}", "--upload-pack=touch {mark}", "fd::7"])
def test_an_address_never_runs_a_program(tmp_path: Path, address: str) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(MirrorUnavailable):
        GitMirror(address.format(mark=mark), tmp_path / "mirror.git").fetch()
    assert not mark.exists()


def test_git_gets_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATABASE_URL", "postgresql://secret")
    show = ["-c", "alias.show-environment=!env", "show-environment"]
    output = git_module.run(show, token="geheim-123", seconds=10, most=100_000).decode()
    assert "GIT_TERMINAL_PROMPT=0" in output
    assert "SHOP_DATABASE_URL" not in output
    assert "geheim-123" not in output


def test_git_is_ended_when_it_says_or_takes_too_much() -> None:
    with pytest.raises(MirrorUnavailable, match="more to say"):
        git_module.run(["-c", "alias.much=!yes", "much"], seconds=30, most=1000)
    with pytest.raises(MirrorUnavailable, match="within 1 s"):
        git_module.run(["-c", "alias.long=!sleep 60", "long"], seconds=1, most=1000)


def test_a_large_file_elsewhere_is_fetched_with_little_memory(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (repository / "bomb").open("wb") as file:
        file.truncate(300 * 1024**2)
    commit(repository, "a bomb of 300 MB in 300 kB")
    git(repository, "config", "core.bigFileThreshold", "8m")  # the other side has its own memory
    monkeypatch.setattr(git_module, "MEMORY", 256 * 1024**2)
    mirror = GitMirror(str(repository), tmp_path / "mirror.git")
    mirror.fetch()
    assert list(mirror.folder(mirror.newest(), "prisma/migrations").migrations) == ["1_init"]
