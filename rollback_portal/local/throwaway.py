"""A PostgreSQL and a Redis in a temporary folder, gone with the process that asked for them: for tests."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from rollback_portal import env
from rollback_portal.local.redis import redis_server, redis_url, wait_for_redis
from rollback_portal.processes.data_folder import Folder, shortest_temporary_folder
from rollback_portal.processes.postgres import Postgres
from rollback_portal.processes.supervised import Process, stop_together


def temporary_folder() -> Path:
    """A short-named temporary folder that is removed when this process ends."""
    path = Path(tempfile.mkdtemp(prefix="portal-test-", dir=shortest_temporary_folder()))
    path.chmod(0o711)
    at_exit(lambda: shutil.rmtree(path, ignore_errors=True))
    return path


def throwaway_postgres(path: Path) -> str:
    """Start one in this folder; its address."""
    folder = Folder(path)
    postgres = Postgres(folder, folder.sockets(), env.for_child(), throwaway=True)
    postgres.prepare()
    server = postgres.start()
    stop_at_exit(server)
    postgres.wait(server)
    return postgres.url


def throwaway_redis(path: Path) -> str:
    """Start one in this folder; its address."""
    folder = Folder(path)
    sockets = folder.sockets()
    server = redis_server(path / "redis", sockets, folder.log / "redis.log", env.for_child())
    server.start()
    stop_at_exit(server)
    wait_for_redis(server, sockets)
    return redis_url(sockets)


def stop_at_exit(server: Process) -> None:
    at_exit(lambda: stop_together([server], patience=5))


def at_exit(act: Callable[[], object]) -> None:
    """At the end of this very process, not of one that it forked."""
    us = os.getpid()
    atexit.register(lambda: act() if os.getpid() == us else None)
