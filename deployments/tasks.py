"""The workers' edge: Celery calls, verbs work. What is published, the dispatcher publishes."""

from __future__ import annotations

from datetime import timedelta
from threading import Event, Thread
from typing import Any

from celery import shared_task
from celery.signals import (
    worker_init,
    worker_process_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from django.conf import settings
from django.db import DatabaseError, connection

from deployments import changes, sync
from deployments.connections import provider
from deployments.dispatcher import SLICE
from deployments.models import Change, Service
from deployments.presence import beat
from deployments.served import check_served
from rollback_portal import proof, stopping

BEAT_EVERY = 5.0  # seconds
_stopped = Event()


@shared_task
def advance(pk: int) -> None:
    """Work on one change for a while; where more is due, the dispatcher rings again."""
    changes.run(pk, seconds=SLICE)


@shared_task
def read_services() -> None:
    """Discover what the keys can see; what is new is read at once, so that no page waits for its turn."""
    for name in settings.PROVIDERS:
        sync.read_services(name, provider(name))
        if Service.objects.followed().filter(provider=name, read_at=None).exists():
            sync.read_provider(name, provider(name))


@shared_task
def read_render() -> None:
    sync.read_provider("render", provider("render"))


@shared_task
def read_vercel() -> None:
    sync.read_provider("vercel", provider("vercel"))


@shared_task
def ask_who_serves() -> None:
    """Ask the public addresses of every followed service who serves."""
    busy = Change.objects.active().values("service")
    for service in Service.objects.followed().exclude(addresses=[]).exclude(pk__in=busy):
        check_served(service, service.live.commit_sha if service.live else "")


# One task per provider: a slow one never holds the other back.
RECURRING = {
    "services": (read_services, timedelta(seconds=60)),
    "render": (read_render, timedelta(seconds=15)),
    "vercel": (read_vercel, timedelta(seconds=15)),
    "served": (ask_who_serves, timedelta(seconds=15)),
}


@worker_init.connect
def prove_life(**_: Any) -> None:
    """A worker without proof of life must not start. Celery only logs what is raised here, except an exit."""
    try:
        proof.before_work()
    except proof.Pooled as error:
        raise SystemExit(str(error)) from None


@worker_process_init.connect
def hear_of_the_end(**_: Any) -> None:
    stopping.only_listen()


@worker_shutting_down.connect
def hand_over(**_: Any) -> None:
    """On SIGTERM, what is under way is handed over between two steps, not followed to its end."""
    stopping.ask()


@worker_ready.connect
def start_beating(sender: Any, **_: Any) -> None:
    """Say every few seconds, in PostgreSQL, that this worker is alive, if it works on operations."""
    if "operations" in sender.app.amqp.queues.consume_from:
        Thread(target=_beat, name="heartbeat", daemon=True).start()


@worker_shutdown.connect
def stop_beating(**_: Any) -> None:
    _stopped.set()


def _beat() -> None:
    while not _stopped.wait(BEAT_EVERY):
        try:
            beat("worker")
        except DatabaseError:
            connection.close()
