"""A git mirror of a repository's branches and tags, to read migrations at any commit of theirs.

Who may open a pull request is not who may push: `refs/pull/*` is never fetched.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dbtools.prisma import git
from dbtools.prisma.folder import LONGEST, InvalidMigrationsFolder, MigrationsFolder, from_files
from dbtools.prisma.git import MirrorUnavailable

__all__ = ["GitMirror", "MirrorUnavailable"]

COMMIT = re.compile(r"[0-9a-f]{7,40}")
BRANCH = re.compile(r"ref: (refs/heads/[^\s]+)\tHEAD")
# One commit of `git log`: its id, its first parent, and what it did to the one file that was asked for.
CHANGE = re.compile(r"([0-9a-f]{40,64}) ?([0-9a-f]{40,64})?[ 0-9a-f]*\0\n([AMD])\0")
FETCHED = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
FETCH_SECONDS, READ_SECONDS = 120, 30
MOST_FILES = 20_000
MOST_BYTES = 50 * 1024 * 1024  # of all files together
MOST_LISTED = 64 * 1024 * 1024  # bytes of git's own lists
OURS = frozenset({"migration.sql", "down.sql"})
LOCK = "migration_lock.toml"
FILES = frozenset({b"100644", b"100755", b"100664"})
KINDS = {b"120000": "a symbolic link", b"160000": "a link to another repository (a submodule)"}


@dataclass(frozen=True, slots=True)
class GitMirror:
    """A bare clone of `repository` in `path`; `token` gives access over HTTPS, "" for a public one."""

    repository: str
    path: Path
    token: str = field(default="", repr=False)

    def fetch(self) -> None:
        """Create or update the clone.

        Raises:
            MirrorUnavailable: with git's message. An existing clone stays as it was.
        """
        if (self.path / "HEAD").exists() and not git.is_from_a_mirror_of_everything(self.path):
            self._fetch(self.path)
            return
        fresh = self.path.with_name(f"{self.path.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        git.run(["init", "--quiet", "--bare", "--", str(fresh)], seconds=READ_SECONDS, most=MOST_LISTED)
        try:
            self._fetch(fresh)
            shutil.rmtree(self.path, ignore_errors=True)
            fresh.rename(self.path)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def _fetch(self, path: Path) -> None:
        fetch = ["fetch", "--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--end-of-options"]
        self._git(*fetch, self.repository, *FETCHED, seconds=FETCH_SECONDS, path=path)
        head = self._git(
            "ls-remote", "--symref", "--end-of-options", self.repository, "HEAD",
            seconds=FETCH_SECONDS, path=path,
        ).decode(errors="replace")  # fmt: skip
        if match := BRANCH.search(head):
            self._git("symbolic-ref", "HEAD", match[1], path=path)

    def newest(self) -> str:
        """The newest commit of the default branch."""
        return self._git("rev-parse", "HEAD").decode().strip()

    def commit(self, abbreviated: str) -> str:
        """The full id of a commit.

        Raises:
            MirrorUnavailable: it does not exist, or is not a commit id.
        """
        if not COMMIT.fullmatch(abbreviated):
            raise MirrorUnavailable(
                f"{abbreviated[:60]!r} is not a commit: give 7 to 40 digits from 0-9 and a-f."
            )
        try:
            return (
                self._git("rev-parse", "--verify", "--end-of-options", f"{abbreviated}^{{commit}}")
                .decode()
                .strip()
            )
        except MirrorUnavailable:
            raise MirrorUnavailable(f"The repository has no commit {abbreviated}.") from None

    def commits_of(self, file: str, *, most: int) -> tuple[str, ...]:
        """The newest commits on any branch or tag after which, or before which, this file is there.

        A commit that deletes it comes with its parent, which still has it and all that came after it.

        Raises:
            MirrorUnavailable: with git's message.
        """
        listed = self._git(
            "log", "--branches", "--tags", f"--max-count={most}", "--format=%H %P", "--name-status",
            "--diff-filter=AMD", "--no-renames", "-z", "--", f":(literal){file}",
        ).decode(errors="replace")  # fmt: skip
        found: list[str] = []
        for commit, parent, change in CHANGE.findall(listed):
            found += [parent] if change == "D" and parent else [commit]
        return tuple(dict.fromkeys(found))

    def folder(self, commit: str, path: str) -> MigrationsFolder:
        """The migrations folder `path` at `commit`.

        Raises:
            InvalidMigrationsFolder, MirrorUnavailable.
        """
        full = self.commit(commit)
        inside = path.strip("/")
        listed = self._git("ls-tree", "-r", "-l", "-z", full, "--", f"{inside}/" if inside else ".")
        blobs = dict(_wanted(listed.split(b"\0"), inside))
        if not blobs:
            raise InvalidMigrationsFolder(f"There is no folder {path} at commit {full[:7]}.")
        if len(blobs) > MOST_FILES:
            raise InvalidMigrationsFolder(f"{path} has more than {MOST_FILES} files.")
        if sum(size for _, size in blobs.values()) > MOST_BYTES:
            raise InvalidMigrationsFolder(f"{path} has more than {MOST_BYTES // 1024**2} MB of migrations.")
        files = self._read({name: blob for name, (blob, _) in blobs.items()})
        return from_files(files, f"{path} at commit {full[:7]}", full)

    def _read(self, blobs: dict[str, str]) -> dict[str, bytes]:
        """Read all files with one process. Directories without a file of ours are kept with empty content."""
        wanted = {path: blob for path, blob in blobs.items() if blob}
        request = "".join(f"{blob}\n" for blob in wanted.values()).encode()
        output = self._git("cat-file", "--batch", stdin=request, most=MOST_BYTES + MOST_FILES * 200)
        files: dict[str, bytes] = dict.fromkeys(blobs, b"")
        offset = 0
        for path in wanted:
            line, _, _ = output[offset : offset + 200].partition(b"\n")
            size = int(line.split()[2])
            begin = offset + len(line) + 1
            files[path] = output[begin : begin + size]
            offset = begin + size + 1
        return files

    def _git(
        self,
        *words: str,
        seconds: int = READ_SECONDS,
        most: int = MOST_LISTED,
        stdin: bytes = b"",
        path: Path | None = None,
    ) -> bytes:
        command = ["--git-dir", str(path or self.path), *words]
        return git.run(command, token=self.token, seconds=seconds, most=most, stdin=stdin)


def _wanted(listed: list[bytes], inside: str) -> Iterator[tuple[str, tuple[str, int]]]:
    """Paths, blobs and sizes of the files to read; other files only show that their directory exists.

    Raises:
        InvalidMigrationsFolder: what stands in the place of a migration is no file, or too long.
    """
    prefix = f"{inside}/" if inside else ""
    for line in listed:
        facts, _, raw = line.partition(b"\t")
        parts = facts.split()
        path = raw.decode(errors="replace").removeprefix(prefix)
        if len(parts) < 4:
            continue
        if _is_a_migrations_place(path):
            _refuse_what_is_no_file(path, parts)
        names = path.split("/")
        ours = path == LOCK or (len(names) == 2 and names[1] in OURS)
        if ours:
            yield path, (parts[2].decode(), int(parts[3]))
        elif "/" in path:
            yield f"{names[0]}/.", ("", 0)


def _is_a_migrations_place(path: str) -> bool:
    """Whether Prisma would look here: at the lock, a migration's directory, or one of its two files."""
    names = path.split("/")
    return len(names) == 1 or names[1] in OURS or names[0] == LOCK


def _refuse_what_is_no_file(path: str, parts: list[bytes]) -> None:
    mode, size = parts[0], parts[3]
    if mode not in FILES:
        raise InvalidMigrationsFolder(f"{path} is {KINDS.get(mode, 'no file')}: nothing of it was read.")
    if path.count("/") > 1:
        place = "/".join(path.split("/")[:2])
        raise InvalidMigrationsFolder(f"{place} is a directory, not a file: nothing of it was read.")
    is_ours = path == LOCK or "/" in path
    if is_ours and int(size) > LONGEST:
        raise InvalidMigrationsFolder(f"{path} is longer than {LONGEST // 1024**2} MB.")
