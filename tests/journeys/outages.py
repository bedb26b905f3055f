"""Outages of a whole portal: workers, dispatcher, Redis, PostgreSQL. Each one ends with its context manager.

Processes are frozen, not killed: `make run` restarts what exits, and stops when PostgreSQL exits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil

from tests.journeys.installation import Installation
from tests.rollback_portal.local.running_portal import wait_for

WORKERS, DISPATCHER, REDIS = "celery", "manage.py dispatch", "redis-server"
AWAY = ("OperationalError", "AdminShutdown", "PoolTimeout", "InterfaceError")
SOCKET = ".s.PGSQL.5432"
AGE_HEARTBEATS = "UPDATE jobs_heartbeat SET beat_at = now() - interval '60 s' WHERE role = ANY(%s)"
COUNT_ROLES = "SELECT count(DISTINCT role) FROM jobs_heartbeat WHERE role = ANY(%s)"
SKIP_PAUSE = "UPDATE deployments_providerstatus SET retry_at = NULL, lease_until = NULL"


def answers_again(installation: Installation) -> None:
    """End all faults, and sync both providers without waiting for the next attempt."""
    installation.calm()
    installation.sql(SKIP_PAUSE)
    installation.read_now()


@contextmanager
def no_worker(installation: Installation) -> Iterator[None]:
    """No worker has written a heartbeat for 60 s; the dispatcher is alive."""
    wait_for_heartbeats(installation, "worker")
    with frozen(installation, WORKERS):
        no_heartbeat_for_a_minute(installation, "worker")
        yield


@contextmanager
def nobody_at_work(installation: Installation) -> Iterator[None]:
    """Neither a worker nor the dispatcher has written a heartbeat for 60 s."""
    wait_for_heartbeats(installation, "worker", "dispatcher")
    with frozen(installation, WORKERS, DISPATCHER):
        no_heartbeat_for_a_minute(installation, "worker", "dispatcher")
        yield


@contextmanager
def no_redis(installation: Installation) -> Iterator[None]:
    """Redis accepts connections but has not answered the dispatcher for 60 s."""
    wait_for_heartbeats(installation, "queue")
    with frozen(installation, REDIS):
        no_heartbeat_for_a_minute(installation, "queue")
        yield


@contextmanager
def no_postgresql(installation: Installation) -> Iterator[None]:
    """All connections to PostgreSQL are closed, and new ones are refused."""
    installation.tolerated_errors = AWAY
    where = parse_qs(urlsplit(installation.portal.running()["DATABASE_URL"]).query)["host"][0]
    server_socket, away = Path(where) / SOCKET, Path(where) / "away"
    server_socket.rename(away)
    for backend in _running(installation, "[local]"):
        backend.terminate()
    try:
        yield
    finally:
        away.rename(server_socket)


@contextmanager
def frozen(installation: Installation, *words: str) -> Iterator[None]:
    """Stop the processes with these words on their command line, and continue them at the end."""
    processes = [process for word in words for process in _running(installation, word)]
    assert processes, f"nothing runs as {words}"
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def wait_for_heartbeats(installation: Installation, *roles: str) -> None:
    """Wait for the first heartbeats: a new portal would report that there was never one."""
    wait_for(lambda: installation.sql(COUNT_ROLES, list(roles)) == [(len(roles),)], 60)


def no_heartbeat_for_a_minute(installation: Installation, *roles: str) -> None:
    """Age the heartbeats instead of waiting; the processes that could write new ones are frozen."""
    installation.sql(AGE_HEARTBEATS, list(roles))


def _running(installation: Installation, words: str) -> list[psutil.Process]:
    return [one for one in installation.portal.everything() if words in " ".join(_line(one))]


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
