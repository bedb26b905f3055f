"""A PostgreSQL of our own that may be broken, and a disk that is small enough to be filled."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress, DatabaseUnreachable
from rollback_portal import env
from rollback_portal.processes.data_folder import DataFolder
from rollback_portal.processes.postgres import Postgres, server_pids
from rollback_portal.processes.supervised import CannotRun, Process, stop_all, wait_until

SMALL = 160  # MB


class NotHere(Exception):
    """Why this cannot be tried on this machine."""


class Own:
    """The server, with the two things one does to it: end it as a power cut does, and begin anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = DataFolder(folder)
        # Not a throwaway one: that answers a commit before it is on the disk, and loses it at the next end.
        self.postgres = Postgres(self.folder, self.folder.sockets(), env.for_child())
        self.postgres.prepare()
        self.server: Process = self.postgres.start()
        self.postgres.wait(self.server)

    @property
    def where(self) -> DatabaseAddress:
        return client.parse(self.postgres.url)

    def end_at_once(self) -> None:
        """No farewell to anybody: sessions end where they are, nothing is written any more."""
        os.kill(int(self.postgres.pid_file()[0]), signal.SIGQUIT)
        wait_until(lambda: not self.server.is_running and not server_pids(self.postgres.cluster), 20)

    def begin(self) -> None:
        """Start it where it is down; return when it answers."""
        if not self.server.is_running:
            self.server = self.postgres.start()
        self.postgres.wait(self.server)
        if not wait_until(self.answers, 60, pause=0.1):
            raise CannotRun("The server that was broken does not answer any more.")

    def answers(self) -> bool:
        """After a crash of its own it is up long before it has recovered."""
        try:
            client.connect(self.where, "bench").close()
        except DatabaseUnreachable:
            return False
        return True

    def leave(self) -> None:
        stop_all([self.server], patience=10)
        if self.folder.temporary_sockets is not None:
            shutil.rmtree(self.folder.temporary_sockets, ignore_errors=True)


@contextmanager
def server(folder: Path) -> Iterator[Own]:
    folder.parent.chmod(0o711)
    own = Own(folder)
    try:
        yield own
    finally:
        own.leave()


@contextmanager
def disk(at: Path) -> Iterator[Path]:
    """A small volume of its own.

    Raises:
        NotHere: only root may make one, and not everywhere.
    """
    command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}m,mode=711", "tmpfs", os.fspath(at)]
    if os.geteuid() != 0:
        raise NotHere("only root may mount a small disk")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHere(f"a small disk cannot be mounted here ({done.stderr.strip()})")
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", os.fspath(at)], check=True)
