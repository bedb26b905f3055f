"""A Celery worker's start and end: its heartbeat, and what it does where session locks do not work."""

from __future__ import annotations

from threading import Event
from types import SimpleNamespace

import pytest
from celery import Celery
from django.conf import settings
from django.db import DatabaseError

from rollback_portal.jobs.models import Heartbeat
from rollback_portal.jobs.process import celery_worker, heartbeats, liveness

PATIENCE = 20  # seconds; far more than a busy machine needs


class Beats:
    """Stands in for the event that ends the heartbeat: lets so many beats through."""

    def __init__(self, number: int) -> None:
        self.left = number

    def wait(self, seconds: float) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.django_db
def test_the_heartbeat_says_that_a_worker_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celery_worker, "_stopped", Beats(2))
    celery_worker._beat()
    assert Heartbeat.objects.get().role == "worker"


@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_survives_an_outage_of_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    outage = iter([DatabaseError("away")])

    def record(role: str) -> None:
        for error in outage:
            raise error
        heartbeats.record_heartbeat(role)

    monkeypatch.setattr(celery_worker, "record_heartbeat", record)
    monkeypatch.setattr(celery_worker, "_stopped", Beats(2))
    celery_worker._beat()
    assert Heartbeat.objects.get().role == "worker"


@pytest.mark.parametrize(
    ("queues", "beats"), [([settings.HEARTBEAT_QUEUE, "reading"], True), (["reading"], False)]
)
def test_only_a_worker_that_serves_operations_has_a_heartbeat(
    monkeypatch: pytest.MonkeyPatch, queues: list[str], beats: bool
) -> None:
    """A worker of another queue would hide that nobody takes up operations."""
    begun = Event()
    monkeypatch.setattr(celery_worker, "_beat", begun.set)
    app = Celery("probe", set_as_current=False)
    app.amqp.queues.select(queues)

    celery_worker.start_heartbeat(SimpleNamespace(app=app))

    assert begun.wait(PATIENCE if beats else 0) is beats


def test_the_end_of_the_worker_ends_its_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = Event()
    monkeypatch.setattr(celery_worker, "_stopped", stopped)
    celery_worker.stop_heartbeat()
    assert stopped.is_set()
    celery_worker._beat()  # returns, and writes nothing: this test may not use the database


def test_a_worker_behind_a_pooler_ends_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def detect() -> None:
        raise liveness.PoolerDetected("it is a pooler")

    monkeypatch.setattr(liveness, "wait_until_supported", detect)
    with pytest.raises(SystemExit, match="it is a pooler"):
        celery_worker.refuse_to_start_behind_a_pooler()
