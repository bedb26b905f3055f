"""A PostgreSQL server for one test, which may freeze it. The ORM of this process uses it meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from rollback_portal import env
from rollback_portal.local.throwaway import temporary_folder
from rollback_portal.processes.data_folder import DataFolder
from rollback_portal.processes.postgres import Postgres, server_pids
from rollback_portal.settings import database
from tests.support.running_postgres import running


@dataclass(frozen=True, slots=True)
class Server:
    """`freeze` stops all of its processes, as a disk that no longer answers would."""

    url: str
    folder: Path
    cluster: Path

    def freeze(self) -> None:
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        for pid in server_pids(self.cluster):
            with suppress(ProcessLookupError):  # a background process may end at any time
                os.kill(pid, number)


@contextmanager
def own_postgresql() -> Iterator[Server]:
    path = temporary_folder(in_memory=True)
    folder = DataFolder(path)
    postgres = Postgres(folder, folder.sockets(), env.for_child(), throwaway=True)
    with running(postgres):
        server = Server(postgres.url, path, postgres.cluster)
        try:
            run("migrate", "--verbosity", "0", DATABASE_URL=server.url)
            with rows_in(server.url):
                yield server
        finally:
            server.thaw()


@contextmanager
def rows_in(url: str) -> Iterator[None]:
    """Let the ORM of this process use this database."""
    own, before = database(url), dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(
        {name: own[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
    )
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


def run(*command: str, **variables: str) -> None:
    """Run `manage.py`."""
    environment = env.for_child(DJANGO_SETTINGS_MODULE="rollback_portal.settings", **variables)
    subprocess.run(
        [sys.executable, "manage.py", *command], cwd=env.ROOT, env=environment, timeout=120, check=True
    )
