"""A git mirror of a repository, to read migrations at any commit.

The only module that runs git. A token is passed in the environment, never in an argument list or an address.
"""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dbtools.prisma.folder import InvalidMigrationsFolder, MigrationsFolder, from_files
from rollback_portal import env
from rollback_portal.text import one_line

COMMIT = re.compile(r"[0-9a-f]{7,40}")
# How git reaches a server: through which proxy, trusting whom, with which key of the SSH agent.
NEEDED_BY_GIT = (
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy",
    "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND",
)  # fmt: skip
FETCH_SECONDS, READ_SECONDS = 120, 30
MOST_FILES = 20_000


class MirrorUnavailable(Exception):
    """The repository cannot be read; `str()` gives the reason, without the token."""


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
        if (self.path / "HEAD").exists():
            self._git("remote", "update", "--prune", seconds=FETCH_SECONDS)
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        clone = ["clone", "--quiet", "--mirror", "--", self.repository, str(self.path)]
        _run(clone, self._environment(), FETCH_SECONDS, self.token)

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

    def folder(self, commit: str, path: str) -> MigrationsFolder:
        """The migrations folder `path` at `commit`.

        Raises:
            InvalidMigrationsFolder, MirrorUnavailable.
        """
        full = self.commit(commit)
        inside = path.strip("/")
        listed = self._git("ls-tree", "-r", "-z", full, "--", f"{inside}/" if inside else ".").split(b"\0")
        blobs = dict(_wanted(listed, inside))
        if not blobs:
            raise InvalidMigrationsFolder(f"There is no folder {path} at commit {full[:7]}.")
        if len(blobs) > MOST_FILES:
            raise InvalidMigrationsFolder(f"{path} has more than {MOST_FILES} files.")
        return from_files(self._read(blobs), f"{path} at commit {full[:7]}", full)

    def _read(self, blobs: dict[str, str]) -> dict[str, bytes]:
        """Read all files with one process. Directories without a file of ours are kept with empty content."""
        wanted = {path: blob for path, blob in blobs.items() if blob}
        request = "".join(f"{blob}\n" for blob in wanted.values()).encode()
        output = self._git("cat-file", "--batch", stdin=request)
        files: dict[str, bytes] = dict.fromkeys(blobs, b"")
        offset = 0
        for path in wanted:
            line, _, _ = output[offset : offset + 200].partition(b"\n")
            size = int(line.split()[2])
            begin = offset + len(line) + 1
            files[path] = output[begin : begin + size]
            offset = begin + size + 1
        return files

    def _git(self, *words: str, seconds: int = READ_SECONDS, stdin: bytes = b"") -> bytes:
        command = ["--git-dir", str(self.path), *words]
        return _run(command, self._environment(), seconds, self.token, stdin)

    def _environment(self) -> dict[str, str]:
        settings = {"protocol.ext.allow": "never", "gc.auto": "0"}
        if self.token:
            basic = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
            settings["http.extraHeader"] = f"Authorization: Basic {basic}"
        variables = {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for number, (key, value) in enumerate(settings.items()):
            variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return env.for_program(*NEEDED_BY_GIT, **variables)


def _wanted(listed: list[bytes], inside: str) -> Iterator[tuple[str, str]]:
    """Paths and blobs of the files to read; other files only show that their directory exists."""
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
        raise MirrorUnavailable("There is no git on this machine.") from None
    except subprocess.TimeoutExpired:
        raise MirrorUnavailable(f"git did not answer within {seconds} s.") from None
    if done.returncode:
        message = one_line(done.stderr.decode(errors="replace"))
        raise MirrorUnavailable(f"git says: {message.replace(token, '…') if token else message}"[:500])
    return done.stdout
