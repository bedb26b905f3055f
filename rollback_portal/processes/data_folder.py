"""The data folder: who may use it now, its secrets, its sockets, and what is running from it."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import tempfile
from io import TextIOWrapper
from pathlib import Path

from rollback_portal.processes.supervised import Problem

LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes on Linux, 104 elsewhere


class Folder:
    """The folder in which a local run keeps everything; one run at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock: TextIOWrapper | None = None
        self.elsewhere: Path | None = None
        try:
            # Root's PostgreSQL runs as another user, who has to pass through here to its own folder.
            self.path.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
            self.log.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise Problem(f"The data folder {path} cannot be used: {error.strerror}.") from error

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def running(self) -> Path:
        return self.path / "running.json"

    def take(self) -> None:
        """Keep everybody else out until `leave`, or until this process is gone."""
        try:
            lock = (self.path / "lock").open("a+")
        except OSError as error:
            raise Problem(
                f"The data folder {self.path} cannot be used: {error.strerror}. "
                "Does it belong to another user?"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise Problem(
                f"A portal already runs on the data folder {self.path}{self.its_address()}. Stop it first, "
                "or set PORTAL_DATA to another folder (and PORT to another port) to run a second one."
            ) from None
        self.lock = lock
        self.running.unlink(missing_ok=True)  # left behind by a run that was killed

    def its_address(self) -> str:
        try:
            return f", at {json.loads(self.running.read_text())['PORTAL_ADDRESS']}"
        except (OSError, ValueError, KeyError):
            return ""

    def tell(self, values: dict[str, str]) -> None:
        """Let commands in other terminals know what runs here; `rollback_portal/env.py` reads it."""
        write_private(self.running, json.dumps({**values, "PORTAL_PID": str(os.getpid())}, indent=1))

    def leave(self) -> None:
        self.running.unlink(missing_ok=True)
        if self.elsewhere is not None:
            shutil.rmtree(self.elsewhere, ignore_errors=True)
        if self.lock is not None:
            self.lock.close()
            self.lock = None

    def secret(self, name: str) -> str:
        """A secret that is made once and then stays, readable by its owner only."""
        path = self.path / name
        if not path.exists():
            write_private(path, secrets.token_urlsafe(50))
        return path.read_text().strip()

    def sockets(self) -> Path:
        """A folder for sockets. A path that is too long for a socket gives way to a temporary one."""
        folder = self.path / "run"
        if len(os.fsencode(folder / ".s.PGSQL.5432.lock")) > LONGEST_SOCKET_PATH:
            self.elsewhere = Path(tempfile.mkdtemp(prefix="portal-", dir=shortest_temporary_folder()))
            return self.elsewhere
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder


def shortest_temporary_folder() -> str:
    return min((tempfile.gettempdir(), "/tmp"), key=len)  # noqa: S108  (mkdtemp makes a private folder in it)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    part.replace(path)
