"""What a Celery worker does at its start and end: pooler check, heartbeat, graceful shutdown."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

from celery.signals import (
    worker_init,
    worker_process_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from django.conf import settings
from django.db import DatabaseError, connection

from rollback_portal.jobs.process import liveness, shutdown
from rollback_portal.jobs.process.heartbeats import record_heartbeat

HEARTBEAT_EVERY = 5.0  # seconds
_stopped = Event()


@worker_init.connect
def refuse_to_start_behind_a_pooler(**_: Any) -> None:
    """Exit if session locks do not work. Celery only logs other exceptions raised here."""
    try:
        liveness.wait_until_supported()
    except liveness.PoolerDetected as error:
        raise SystemExit(str(error)) from None


@worker_process_init.connect
def follow_the_parents_shutdown(**_: Any) -> None:
    shutdown.only_listen()


@worker_shutting_down.connect
def hand_over(**_: Any) -> None:
    """On SIGTERM, hand jobs over between two steps instead of finishing them."""
    shutdown.request()


@worker_ready.connect
def start_heartbeat(sender: Any, **_: Any) -> None:
    """Record a heartbeat every 5 s, if this worker serves the queue of operations."""
    if settings.HEARTBEAT_QUEUE in sender.app.amqp.queues.consume_from:
        Thread(target=_beat, name="heartbeat", daemon=True).start()


@worker_shutdown.connect
def stop_heartbeat(**_: Any) -> None:
    _stopped.set()


def _beat() -> None:
    while not _stopped.wait(HEARTBEAT_EVERY):
        try:
            record_heartbeat("worker")
        except DatabaseError:
            connection.close()
