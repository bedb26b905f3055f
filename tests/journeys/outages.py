"""What dies around a whole portal: workers, dispatcher, Redis, PostgreSQL. Each comes back at the end.

Processes are frozen, not killed: `make run` starts again what ends, and stops where PostgreSQL ends.
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
LAST_HEARD = """
from datetime import timedelta
from django.utils import timezone
from deployments.models import Heartbeat
Heartbeat.objects.filter(role__in={roles!r}).update(beat_at=timezone.now() - timedelta(seconds=60))
"""

HEARD = """
from deployments.models import Heartbeat
print(Heartbeat.objects.filter(role__in={roles!r}).values("role").distinct().count())
"""

NO_PAUSE = "from deployments.models import Reading; Reading.objects.update(retry_at=None, lease_until=None)"


def answers_again(world: World) -> None:
    """Nothing goes wrong any more, and both providers are read without waiting for the next try."""
    world.calm()
    world.portal.command("shell", "-v", "0", "-c", NO_PAUSE)
    world.read_now()


@contextmanager
def no_worker(world: World) -> Iterator[None]:
    """No worker was heard for 60 s; the dispatcher goes on."""
    have_been_heard(world, "worker")
    with frozen(world, WORKERS):
        silent_for_a_minute(world, "worker")
        yield


@contextmanager
def nobody_at_work(world: World) -> Iterator[None]:
    """Neither a worker nor the dispatcher was heard for 60 s."""
    have_been_heard(world, "worker", "dispatcher")
    with frozen(world, WORKERS, DISPATCHER):
        silent_for_a_minute(world, "worker", "dispatcher")
        yield


@contextmanager
def no_redis(world: World) -> Iterator[None]:
    """Redis takes connections and never answers, for 60 s already as far as the dispatcher knows."""
    have_been_heard(world, "queue")
    with frozen(world, REDIS):
        silent_for_a_minute(world, "queue")
        yield


@contextmanager
def no_postgresql(world: World) -> Iterator[None]:
    """Every connection to PostgreSQL ends, and no new one is let in."""
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
    """The processes with these words on their command line do nothing until the end."""
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
    """A portal that has just started says of a process that it was never heard, which is another sentence."""
    asked = HEARD.format(roles=list(roles))
    wait_for(lambda: world.portal.command("shell", "-v", "0", "-c", asked).strip() == str(len(roles)), 60)


def silent_for_a_minute(world: World, *roles: str) -> None:
    """Spares the wait: whoever could contradict is frozen."""
    world.portal.command("shell", "-v", "0", "-c", LAST_HEARD.format(roles=list(roles)))


def _running(world: World, words: str) -> list[psutil.Process]:
    return [one for one in world.portal.everything() if words in " ".join(_line(one))]


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
