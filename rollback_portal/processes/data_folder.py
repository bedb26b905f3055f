"""The data folder: its lock, its secrets, its sockets, and a note of what runs from it."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import tempfile
from io import TextIOWrapper
from pathlib import Path

from rollback_portal.processes.supervised import CannotRun

LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes on Linux, 104 elsewhere


class DataFolder:
    """The folder in which one run keeps everything; only one at a time may use it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.temporary_sockets: Path | None = None
        self._lock: TextIOWrapper | None = None
        try:
            # Root's PostgreSQL runs as another user, who has to pass through here to its own folder.
            self.path.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
            self.log.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise CannotRun(f"The data folder {path} cannot be used: {error.strerror}.") from error

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def running(self) -> Path:
        return self.path / "running.json"

    def lock(self) -> None:
        """Keep every other run out until `release`, or until this process is gone.

        Raises:
            CannotRun: another run uses it, or it cannot be written.
        """
        try:
            lock_file = (self.path / "lock").open("a+")
        except OSError as error:
            raise CannotRun(
                f"The data folder {self.path} cannot be used: {error.strerror}. "
                "Does it belong to another user?"
            ) from error
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock_file.close()
            raise CannotRun(
                f"A portal already runs on the data folder {self.path}{self._running_address()}. "
                "Stop it first, or set PORTAL_DATA to another folder (and PORT to another port) to run a "
                "second one."
            ) from None
        self._lock = lock_file
        self.running.unlink(missing_ok=True)  # left behind by a run that was killed

    def _running_address(self) -> str:
        try:
            return f", at {json.loads(self.running.read_text())['PORTAL_ADDRESS']}"
        except (OSError, ValueError, KeyError):
            return ""

    def write_running(self, values: dict[str, str]) -> None:
        """Note the environment of the running portal, for commands in other terminals (see `env.py`)."""
        write_private(self.running, json.dumps({**values, "PORTAL_PID": str(os.getpid())}, indent=1))

    def release(self) -> None:
        self.running.unlink(missing_ok=True)
        if self.temporary_sockets is not None:
            shutil.rmtree(self.temporary_sockets, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def secret(self, name: str) -> str:
        """A secret that is generated once and kept in a file that only its owner can read."""
        path = self.path / name
        if not path.exists():
            write_private(path, secrets.token_urlsafe(50))
        return path.read_text().strip()

    def sockets(self) -> Path:
        """A folder for sockets; a temporary one where the path here is too long for a socket."""
        folder = self.path / "run"
        if len(os.fsencode(folder / ".s.PGSQL.5432.lock")) > LONGEST_SOCKET_PATH:
            self.temporary_sockets = Path(tempfile.mkdtemp(prefix="portal-", dir=shortest_temporary_folder()))
            return self.temporary_sockets
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
