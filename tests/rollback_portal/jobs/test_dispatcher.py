"""A dispatcher publishes what is due, and executes it itself where no worker does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone

from deployments.models import Change
from rollback_portal.jobs import broker, dispatcher, queue
from rollback_portal.jobs.dispatcher import EXECUTE_HERE_AFTER, Dispatcher
from rollback_portal.jobs.kinds import JobKind
from rollback_portal.jobs.models import Heartbeat, Schedule
from rollback_portal.jobs.schedule import RecurringTask
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class RecordingBroker:
    """Stands in for Redis."""

    is_up: bool = True
    accepts: bool = True
    published: list[tuple[Any, ...]] = field(default_factory=list)

    def answers(self) -> bool:
        return self.is_up

    def publish(self, task: str, *arguments: int, expires: timedelta | None = None) -> bool:
        if self.accepts:
            self.published.append((task, *arguments))
        return self.accepts


@pytest.fixture
def queue_broker(monkeypatch: pytest.MonkeyPatch) -> RecordingBroker:
    recording = RecordingBroker()
    monkeypatch.setattr(broker, "answers", recording.answers)
    monkeypatch.setattr(broker, "publish", recording.publish)
    return recording


@pytest.fixture
def executed() -> list[int]:
    return []


@pytest.fixture
def portal(queue_broker: RecordingBroker, executed: list[int]) -> Iterator[Dispatcher]:
    one = make_dispatcher(executed)
    yield one
    one.stop()


def make_dispatcher(executed: list[int]) -> Dispatcher:
    def run(pk: int) -> bool:
        executed.append(pk)
        return executed.count(pk) < 2  # more is due once

    kind = JobKind(Change, "advance", run)
    return Dispatcher([kind], [RecurringTask("sync", "sync", timedelta(seconds=30))])


def waiting_change(**length: float) -> Change:
    """A change that has been due for so long."""
    reached = factories.ago(**length or {"seconds": 0})
    return factories.change(factories.service(), status_times={"queued": reached.isoformat()})


def test_a_due_row_is_published(
    portal: Dispatcher, queue_broker: RecordingBroker, executed: list[int]
) -> None:
    change = waiting_change()
    portal.round()
    portal.stop()
    assert ("advance", change.pk) in queue_broker.published
    assert executed == []


def test_a_row_is_published_again_only_after_a_while(
    portal: Dispatcher, queue_broker: RecordingBroker
) -> None:
    change = waiting_change()
    portal.round()
    portal.round()
    assert queue_broker.published.count(("advance", change.pk)) == 1
    Change.objects.update(published_at=timezone.now() - queue.REPUBLISH_AFTER - timedelta(seconds=1))
    portal.round()
    assert queue_broker.published.count(("advance", change.pk)) == 2


@pytest.mark.parametrize("broken", ["is_up", "accepts"])
def test_without_a_broker_the_row_is_executed_here_until_nothing_more_is_due(
    portal: Dispatcher, queue_broker: RecordingBroker, executed: list[int], broken: str
) -> None:
    setattr(queue_broker, broken, False)
    change = waiting_change()
    portal.round()
    portal.stop()
    assert executed == [change.pk, change.pk]


def test_a_row_that_no_worker_takes_is_executed_here(
    portal: Dispatcher, queue_broker: RecordingBroker, executed: list[int]
) -> None:
    change = waiting_change(seconds=EXECUTE_HERE_AFTER.total_seconds() + 1)
    portal.round()
    portal.stop()
    assert set(executed) == {change.pk}
    assert ("advance", change.pk) not in queue_broker.published


def test_a_failing_job_does_not_stop_the_dispatcher(queue_broker: RecordingBroker) -> None:
    def fail(pk: int) -> bool:
        raise RuntimeError("a bug")

    queue_broker.is_up = False
    waiting_change()
    one = Dispatcher([JobKind(Change, "advance", fail)], [])
    one.round()
    one.stop()
    assert one.executing == set()


def test_one_of_two_dispatchers_publishes_a_recurring_task(
    portal: Dispatcher, queue_broker: RecordingBroker
) -> None:
    other = make_dispatcher([])
    portal.round()
    other.round()
    other.stop()
    assert queue_broker.published == [("sync",)]
    Schedule.objects.update(due_at=factories.ago(seconds=1))
    other = make_dispatcher([])
    other.round()
    portal.round()
    other.stop()
    assert queue_broker.published == [("sync",), ("sync",)]


def test_a_round_records_the_heartbeats_of_the_dispatcher_and_of_a_broker_that_answers(
    portal: Dispatcher,
) -> None:
    portal.round()
    assert set(Heartbeat.objects.values_list("role", flat=True)) == {"dispatcher", "queue"}


def test_a_broker_that_does_not_answer_gets_no_heartbeat(
    portal: Dispatcher, queue_broker: RecordingBroker
) -> None:
    queue_broker.is_up = False
    portal.round()
    assert queue_broker.published == []
    assert set(Heartbeat.objects.values_list("role", flat=True)) == {"dispatcher"}


def test_a_round_survives_an_outage_of_postgresql(
    portal: Dispatcher, queue_broker: RecordingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(role: str) -> None:
        raise DatabaseError("away")

    with monkeypatch.context() as context:
        context.setattr(dispatcher, "record_heartbeat", away)
        portal.round()
    assert queue_broker.published == []
    portal.round()
    assert queue_broker.published == [("sync",)]
