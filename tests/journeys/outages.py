"""Outages of a whole portal: workers, dispatcher, Redis, PostgreSQL. Each one ends with its context manager.

Processes are frozen, not killed: `make run` restarts what exits, and stops when PostgreSQL exits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil

from tests.journeys.world import World
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


def answers_again(world: World) -> None:
    """End all faults, and sync both providers without waiting for the next attempt."""
    world.calm()
    world.portal.command("shell", "-v", "0", "-c", SKIP_PAUSE)
    world.read_now()


@contextmanager
def no_worker(world: World) -> Iterator[None]:
    """No worker has written a heartbeat for 60 s; the dispatcher is alive."""
    have_been_heard(world, "worker")
    with frozen(world, WORKERS):
        no_heartbeat_for_a_minute(world, "worker")
        yield


@contextmanager
def nobody_at_work(world: World) -> Iterator[None]:
    """Neither a worker nor the dispatcher has written a heartbeat for 60 s."""
    have_been_heard(world, "worker", "dispatcher")
    with frozen(world, WORKERS, DISPATCHER):
        no_heartbeat_for_a_minute(world, "worker", "dispatcher")
        yield


@contextmanager
def no_redis(world: World) -> Iterator[None]:
    """Redis accepts connections but has not answered the dispatcher for 60 s."""
    have_been_heard(world, "queue")
    with frozen(world, REDIS):
        no_heartbeat_for_a_minute(world, "queue")
        yield


@contextmanager
def no_postgresql(world: World) -> Iterator[None]:
    """All connections to PostgreSQL are closed, and new ones are refused."""
    world.forgiven = AWAY
    where = parse_qs(urlsplit(world.portal.running()["DATABASE_URL"]).query)["host"][0]
    door, away = Path(where) / SOCKET, Path(where) / "away"
    door.rename(away)
    for backend in _running(world, "[local]"):
        backend.terminate()
    try:
        yield
    finally:
        away.rename(door)


@contextmanager
def frozen(world: World, *words: str) -> Iterator[None]:
    """Stop the processes with these words on their command line, and continue them at the end."""
    found = [one for word in words for one in _running(world, word)]
    assert found, f"nothing runs as {words}"
    for one in found:
        one.suspend()
    try:
        yield
    finally:
        for one in found:
            one.resume()


def have_been_heard(world: World, *roles: str) -> None:
    """Wait for the first heartbeats: a portal that has just started would say that there was none ever."""
    asked = COUNT_ROLES.format(roles=list(roles))
    wait_for(lambda: world.portal.command("shell", "-v", "0", "-c", asked).strip() == str(len(roles)), 60)


def no_heartbeat_for_a_minute(world: World, *roles: str) -> None:
    """Age the heartbeats instead of waiting; the processes that could write new ones are frozen."""
    world.portal.command("shell", "-v", "0", "-c", AGE_HEARTBEATS.format(roles=list(roles)))


def _running(world: World, words: str) -> list[psutil.Process]:
    return [one for one in world.portal.everything() if words in " ".join(_line(one))]


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
