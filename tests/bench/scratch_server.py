"""A PostgreSQL server that may be broken, and a disk small enough to be filled."""

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
    """This machine cannot run the case; the message says why."""


class ScratchServer:
    """The server, which can be crashed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = DataFolder(folder)
        # Not a throwaway one: it does not wait for the disk at commit, so a crash would lose commits.
        self.postgres = Postgres(self.folder, self.folder.sockets(), env.for_child())
        self.postgres.prepare()
        self.server: Process = self.postgres.start()
        self.postgres.wait(self.server)

    @property
    def address(self) -> DatabaseAddress:
        return client.parse(self.postgres.url)

    def crash(self) -> None:
        """End it without a checkpoint, as a power cut does."""
        os.kill(int(self.postgres.pid_file()[0]), signal.SIGQUIT)
        wait_until(lambda: not self.server.is_running and not server_pids(self.postgres.cluster), 20)

    def start_again(self) -> None:
        """Start it if it is down, and wait until it answers."""
        if not self.server.is_running:
            self.server = self.postgres.start()
        self.postgres.wait(self.server)
        if not wait_until(self.answers, 60, pause=0.1):
            raise CannotRun("The server that was broken does not answer any more.")

    def answers(self) -> bool:
        """Return whether it accepts connections; after a crash it recovers first."""
        try:
            client.connect(self.address, "bench").close()
        except DatabaseUnreachable:
            return False
        return True

    def close(self) -> None:
        stop_all([self.server], patience=10)
        if self.folder.temporary_sockets is not None:
            shutil.rmtree(self.folder.temporary_sockets, ignore_errors=True)


@contextmanager
def server(folder: Path) -> Iterator[ScratchServer]:
    folder.parent.chmod(0o711)
    scratch = ScratchServer(folder)
    try:
        yield scratch
    finally:
        scratch.close()


@contextmanager
def disk(at: Path) -> Iterator[Path]:
    """Mount a small volume.

    Raises:
        NotHere: not root, or mounting is not allowed here.
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
