"""PostgreSQL and Redis in a temporary folder, removed when this process ends; for tests."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from rollback_portal import env
from rollback_portal.local.redis import redis_server, redis_url, wait_for_redis
from rollback_portal.processes.data_folder import DataFolder, shortest_temporary_folder
from rollback_portal.processes.postgres import Postgres
from rollback_portal.processes.supervised import Process, stop_all


def temporary_folder() -> Path:
    """A temporary folder with a short path, removed when this process ends."""
    path = Path(tempfile.mkdtemp(prefix="portal-test-", dir=shortest_temporary_folder()))
    path.chmod(0o711)
    at_exit(lambda: shutil.rmtree(path, ignore_errors=True))
    return path


def throwaway_postgres(path: Path) -> str:
    """Start a server in this folder; returns its URL."""
    folder = DataFolder(path)
    postgres = Postgres(folder, folder.sockets(), env.for_program(), throwaway=True)
    postgres.prepare()
    server = postgres.start()
    stop_at_exit(server)
    postgres.wait(server)
    return postgres.url


def throwaway_redis(path: Path) -> str:
    """Start a server in this folder; returns its URL."""
    folder = DataFolder(path)
    sockets = folder.sockets()
    server = redis_server(path / "redis", sockets, folder.log / "redis.log", env.for_program())
    server.start()
    stop_at_exit(server)
    wait_for_redis(server, sockets)
    return redis_url(sockets)


def stop_at_exit(server: Process) -> None:
    at_exit(lambda: stop_all([server], patience=5))


def at_exit(action: Callable[[], object]) -> None:
    """Call `action` when this process ends, but not in its forked children."""
    pid = os.getpid()
    atexit.register(lambda: action() if os.getpid() == pid else None)
