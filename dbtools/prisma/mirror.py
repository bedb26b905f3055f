"""A git mirror of the repository, so that migrations can be read as they stand at any commit.

The only place that runs git. A token travels in the environment, never in an argument list or an address.
"""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dbtools.prisma.folder import Folder, NotAFolder, from_files
from rollback_portal import env

COMMIT = re.compile(r"[0-9a-f]{7,40}")
FETCH_SECONDS, READ_SECONDS = 120, 30
MOST_FILES = 20_000


class NoMirror(Exception):
    """The repository cannot be read; `str()` says why, without a token."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A bare copy of `repository` in `path`; `token` opens it over HTTPS, "" where it is open."""

    repository: str
    path: Path
    token: str = field(default="", repr=False)

    def fetch(self) -> None:
        """Bring the copy up to date.

        Raises:
            NoMirror: in git's words. A copy that is there already stays as it was.
        """
        if (self.path / "HEAD").exists():
            self._git("remote", "update", "--prune", seconds=FETCH_SECONDS)
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        clone = ["clone", "--quiet", "--mirror", "--", self.repository, str(self.path)]
        _run(clone, self._environment(), FETCH_SECONDS, self.token)

    def newest(self) -> str:
        """The commit at the head of the repository's own branch."""
        return self._git("rev-parse", "HEAD").decode().strip()

    def commit(self, named: str) -> str:
        """The whole name of a commit.

        Raises:
            NoMirror: it is not there, or not a commit's name.
        """
        if not COMMIT.fullmatch(named):
            raise NoMirror(f"{named[:60]!r} is not a commit: give 7 to 40 digits from 0-9 and a-f.")
        try:
            return (
                self._git("rev-parse", "--verify", "--end-of-options", f"{named}^{{commit}}").decode().strip()
            )
        except NoMirror:
            raise NoMirror(f"The repository has no commit {named}.") from None

    def folder(self, commit: str, path: str) -> Folder:
        """The migrations folder `path` as it stands at `commit`.

        Raises:
            NotAFolder, NoMirror.
        """
        whole = self.commit(commit)
        inside = path.strip("/")
        listed = self._git("ls-tree", "-r", "-z", whole, "--", f"{inside}/" if inside else ".").split(b"\0")
        blobs = dict(_wanted(listed, inside))
        if not blobs:
            raise NotAFolder(f"There is no folder {path} at commit {whole[:7]}.")
        if len(blobs) > MOST_FILES:
            raise NotAFolder(f"{path} has more than {MOST_FILES} files.")
        return from_files(self._read(blobs), f"{path} at commit {whole[:7]}", whole)

    def _read(self, blobs: dict[str, str]) -> dict[str, bytes]:
        """All files with one process; directories without any of ours stay as empty names."""
        wanted = {path: blob for path, blob in blobs.items() if blob}
        asked = "".join(f"{blob}\n" for blob in wanted.values()).encode()
        told = self._git("cat-file", "--batch", stdin=asked)
        files: dict[str, bytes] = dict.fromkeys(blobs, b"")
        at = 0
        for path in wanted:
            line, _, _ = told[at : at + 200].partition(b"\n")
            size = int(line.split()[2])
            begin = at + len(line) + 1
            files[path] = told[begin : begin + size]
            at = begin + size + 1
        return files

    def _git(self, *words: str, seconds: int = READ_SECONDS, stdin: bytes = b"") -> bytes:
        command = ["--git-dir", str(self.path), *words]
        return _run(command, self._environment(), seconds, self.token, stdin)

    def _environment(self) -> dict[str, str]:
        settings = {"protocol.ext.allow": "never", "gc.auto": "0"}
        if self.token:
            basic = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
            settings["http.extraHeader"] = f"Authorization: Basic {basic}"
        told = {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for number, (key, value) in enumerate(settings.items()):
            told |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return env.for_child(**told)


def _wanted(listed: list[bytes], inside: str) -> Iterator[tuple[str, str]]:
    """Our files with their blobs; other files only say that their directory is there."""
    prefix = f"{inside}/" if inside else ""
    for line in listed:
        facts, _, raw = line.partition(b"\t")
        parts = facts.split()
        path = raw.decode(errors="replace").removeprefix(prefix)
        if len(parts) < 3 or parts[0] == b"120000":
            continue
        ours = path == "migration_lock.toml" or path.endswith(("/migration.sql", "/down.sql"))
        if ours and path.count("/") <= 1:
            yield path, parts[2].decode()
        elif "/" in path:
            yield f"{path.split('/')[0]}/.", ""


def _run(
    words: list[str], environment: dict[str, str], seconds: int, token: str, stdin: bytes = b""
) -> bytes:
    try:
        done = subprocess.run(
            ["git", *words], env=environment, input=stdin, capture_output=True, timeout=seconds, check=False
        )
    except FileNotFoundError:
        raise NoMirror("There is no git on this machine.") from None
    except subprocess.TimeoutExpired:
        raise NoMirror(f"git did not answer within {seconds} s.") from None
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())
        raise NoMirror(f"git says: {said.replace(token, '…') if token else said}"[:500])
    return done.stdout
