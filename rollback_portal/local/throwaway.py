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

MEMORY = "/dev/shm"  # noqa: S108  (mkdtemp makes a private folder in it)
ROOM = 6 * 1024**3  # bytes that have to be free there


def temporary_folder(*, in_memory: bool = False) -> Path:
    """A temporary folder with a short path, removed when this process ends.

    Args:
        in_memory: on the file system in memory, where there is one with room: PostgreSQL makes a database
            there in a seventh of the time. Not for what measures how fast disks are.
    """
    parent = MEMORY if in_memory and has_room(MEMORY) else shortest_temporary_folder()
    path = Path(tempfile.mkdtemp(prefix="portal-test-", dir=parent))
    path.chmod(0o711)
    at_exit(lambda: shutil.rmtree(path, ignore_errors=True))
    return path


def has_room(folder: str) -> bool:
    """Whether servers can keep their data in it, and programs can be started from it."""
    try:
        known = os.statvfs(folder)
    except OSError:
        return False
    writable = os.access(folder, os.W_OK | os.X_OK) and not known.f_flag & os.ST_NOEXEC
    return writable and known.f_bavail * known.f_frsize >= ROOM


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
