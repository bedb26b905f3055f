"""Who is alive: what has been heard within 40 s counts, what has never been heard does not."""

from __future__ import annotations

import os

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rollback_portal.jobs.models import Heartbeat
from rollback_portal.jobs.process import heartbeats
from rollback_portal.jobs.process.heartbeats import process_status, record_broker_answer, record_heartbeat
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_process_has_one_heartbeat_however_often_it_says_that_it_is_alive() -> None:
    record_heartbeat("worker")
    Heartbeat.objects.update(beat_at=factories.ago(minutes=5))
    record_heartbeat("worker")
    beat = Heartbeat.objects.get()
    assert (beat.role, beat.process.rpartition(":")[2]) == ("worker", str(os.getpid()))
    assert process_status().workers.alive == 1


def test_without_any_heartbeat_nobody_is_alive_and_nothing_is_executed() -> None:
    status = process_status()
    assert [(role.alive, role.last_heard_at) for role in status.roles] == [(0, None), (0, None)]
    assert not heartbeats.can_execute()
    assert not status.complete


@pytest.mark.parametrize(("seconds", "alive"), [(20, 1), (60, 0)])
def test_a_process_that_was_not_heard_for_40_seconds_is_not_alive(seconds: int, alive: int) -> None:
    factories.heartbeats("dispatcher", at=factories.ago(seconds=seconds))
    dispatchers = process_status().dispatchers
    assert dispatchers.alive == alive
    assert dispatchers.last_heard_at is not None


def test_a_dispatcher_alone_executes_but_is_not_everything() -> None:
    factories.heartbeats("dispatcher")
    assert heartbeats.can_execute()
    assert not process_status().complete
    factories.heartbeats("worker")
    assert process_status().complete


def test_workers_alone_execute_nothing() -> None:
    factories.heartbeats("worker", "worker")
    assert process_status().workers.alive == 2
    assert not heartbeats.can_execute()


def test_processes_are_forgotten_after_an_hour_and_the_broker_never() -> None:
    record_broker_answer()
    factories.heartbeats("worker")
    Heartbeat.objects.update(beat_at=factories.ago(minutes=61))
    record_heartbeat("dispatcher")
    assert set(Heartbeat.objects.values_list("role", flat=True)) == {"dispatcher", heartbeats.BROKER}
    assert process_status().broker.last_heard_at is not None


@pytest.mark.parametrize(
    ("answered_ago", "dispatcher", "away"),
    [
        (20, True, False),
        (60, True, True),
        (60, False, False),  # nobody asks, so nobody knows
        (None, True, False),  # never asked yet
    ],
)
def test_the_broker_is_away_where_dispatchers_ask_and_it_has_not_answered_for_40_seconds(
    answered_ago: int | None, dispatcher: bool, away: bool
) -> None:
    if dispatcher:
        factories.heartbeats("dispatcher")
    if answered_ago is not None:
        record_broker_answer()
        Heartbeat.objects.filter(role=heartbeats.BROKER).update(beat_at=factories.ago(seconds=answered_ago))
    assert process_status().broker_is_away is away


def test_a_page_asks_once_for_all_roles() -> None:
    factories.heartbeats("worker", "worker", "dispatcher")
    with CaptureQueriesContext(connection) as queries:
        status = process_status()
    assert (status.workers.alive, status.dispatchers.alive, len(queries)) == (2, 1, 1)
