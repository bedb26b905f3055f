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
AGE_HEARTBEATS = """
from datetime import timedelta
from django.utils import timezone
from rollback_portal.jobs.models import Heartbeat
Heartbeat.objects.filter(role__in={roles!r}).update(beat_at=timezone.now() - timedelta(seconds=60))
"""

COUNT_ROLES = """
from rollback_portal.jobs.models import Heartbeat
print(Heartbeat.objects.filter(role__in={roles!r}).values("role").distinct().count())
"""

SKIP_PAUSE = (
    "from deployments.models import ProviderStatus; "
    "ProviderStatus.objects.update(retry_at=None, lease_until=None)"
)


def answers_again(installation: Installation) -> None:
    """End all faults, and sync both providers without waiting for the next attempt."""
    installation.calm()
    installation.portal.command("shell", "-v", "0", "-c", SKIP_PAUSE)
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
    query = COUNT_ROLES.format(roles=list(roles))
    wait_for(
        lambda: installation.portal.command("shell", "-v", "0", "-c", query).strip() == str(len(roles)), 60
    )


def no_heartbeat_for_a_minute(installation: Installation, *roles: str) -> None:
    """Age the heartbeats instead of waiting; the processes that could write new ones are frozen."""
    installation.portal.command("shell", "-v", "0", "-c", AGE_HEARTBEATS.format(roles=list(roles)))


def _running(installation: Installation, words: str) -> list[psutil.Process]:
    return [one for one in installation.portal.everything() if words in " ".join(_line(one))]


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
