"""A dispatcher publishes what is due, and executes it itself where no worker does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from django.utils.module_loading import import_string

from dbtools.models import DatabaseRollback
from deployments.models import Change
from rollback_portal.jobs import broker, dispatcher, queue
from rollback_portal.jobs.dispatcher import EXECUTE_HERE_AFTER, Dispatcher
from rollback_portal.jobs.kinds import JobKind
from rollback_portal.jobs.models import Heartbeat, Schedule
from rollback_portal.jobs.schedule import RecurringTask
from rollback_portal.settings import database
from tests import factories
from tests.dbtools import rollback_rows

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
def one_dispatcher(queue_broker: RecordingBroker, executed: list[int]) -> Iterator[Dispatcher]:
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
    one_dispatcher: Dispatcher, queue_broker: RecordingBroker, executed: list[int]
) -> None:
    change = waiting_change()
    one_dispatcher.round()
    one_dispatcher.stop()
    assert ("advance", change.pk) in queue_broker.published
    assert executed == []


def test_a_row_is_published_again_only_after_a_while(
    one_dispatcher: Dispatcher, queue_broker: RecordingBroker
) -> None:
    change = waiting_change()
    one_dispatcher.round()
    one_dispatcher.round()
    assert queue_broker.published.count(("advance", change.pk)) == 1
    Change.objects.update(published_at=timezone.now() - queue.REPUBLISH_AFTER - timedelta(seconds=1))
    one_dispatcher.round()
    assert queue_broker.published.count(("advance", change.pk)) == 2


@pytest.mark.parametrize("broken", ["is_up", "accepts"])
def test_without_a_broker_the_row_is_executed_here_until_nothing_more_is_due(
    one_dispatcher: Dispatcher, queue_broker: RecordingBroker, executed: list[int], broken: str
) -> None:
    setattr(queue_broker, broken, False)
    change = waiting_change()
    one_dispatcher.round()
    one_dispatcher.stop()
    assert executed == [change.pk, change.pk]


def test_a_row_that_no_worker_takes_is_executed_here(
    one_dispatcher: Dispatcher, queue_broker: RecordingBroker, executed: list[int]
) -> None:
    change = waiting_change(seconds=EXECUTE_HERE_AFTER.total_seconds() + 1)
    one_dispatcher.round()
    one_dispatcher.stop()
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
    assert one.executing == {"change": set()}


def test_one_of_two_dispatchers_publishes_a_recurring_task(
    one_dispatcher: Dispatcher, queue_broker: RecordingBroker
) -> None:
    other = make_dispatcher([])
    one_dispatcher.round()
    other.round()
    other.stop()
    assert queue_broker.published == [("sync",)]
    Schedule.objects.update(due_at=factories.ago(seconds=1))
    other = make_dispatcher([])
    other.round()
    one_dispatcher.round()
    other.stop()
    assert queue_broker.published == [("sync",), ("sync",)]


def test_a_round_records_the_heartbeats_of_the_dispatcher_and_of_a_broker_that_answers(
    one_dispatcher: Dispatcher,
) -> None:
    one_dispatcher.round()
    assert set(Heartbeat.objects.values_list("role", flat=True)) == {"dispatcher", "queue"}


def test_a_broker_that_does_not_answer_gets_no_heartbeat(
    one_dispatcher: Dispatcher, queue_broker: RecordingBroker
) -> None:
    queue_broker.is_up = False
    one_dispatcher.round()
    assert queue_broker.published == []
    assert set(Heartbeat.objects.values_list("role", flat=True)) == {"dispatcher"}


def test_a_round_survives_an_outage_of_postgresql(
    one_dispatcher: Dispatcher, queue_broker: RecordingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(role: str) -> None:
        raise DatabaseError("away")

    with monkeypatch.context() as context:
        context.setattr(dispatcher, "record_heartbeat", away)
        one_dispatcher.round()
    assert queue_broker.published == []
    one_dispatcher.round()
    assert queue_broker.published == [("sync",)]


@dataclass
class Held:
    """A run that holds its thread until it is let go."""

    begun: list[int] = field(default_factory=list)
    let_go: Event = field(default_factory=Event)

    def run(self, pk: int) -> bool:
        self.begun.append(pk)
        self.let_go.wait()
        return False


@pytest.fixture
def held() -> Iterator[Held]:
    one = Held()
    yield one
    one.let_go.set()


def waiting_rollbacks(number: int) -> list[DatabaseRollback]:
    """Database rollbacks that have waited for a worker for a minute."""
    dana = factories.person("database admin", "Dana Okoro")
    reached = {"reading": factories.ago(minutes=1).isoformat()}
    return [
        rollback_rows.rollback(
            dana, "reading", database=rollback_rows.database(f"shop-{shop}"), status_times=reached
        )
        for shop in range(number)
    ]


def test_a_code_rollback_finds_a_thread_however_much_of_the_wizard_is_executed_here(
    queue_broker: RecordingBroker, held: Held
) -> None:
    queue_broker.is_up = False
    ran = Event()

    def roll_back(pk: int) -> bool:
        ran.set()
        return False

    changes = JobKind(Change, "advance", roll_back)
    rollbacks = JobKind(DatabaseRollback, "wizard", held.run, threads=2)
    one = Dispatcher([rollbacks, changes], [])
    waiting_rollbacks(changes.threads + rollbacks.threads)
    one.round()
    waiting_change()
    one.round()
    found = ran.wait(30)
    held.let_go.set()
    one.stop()
    assert found


def test_while_its_threads_are_busy_a_late_row_is_published_for_a_worker_that_is_back(
    queue_broker: RecordingBroker, held: Held
) -> None:
    rows = waiting_rollbacks(2)
    one = Dispatcher([JobKind(DatabaseRollback, "wizard", held.run, threads=1)], [])
    one.round()
    held.let_go.set()
    one.stop()
    [here] = held.begun
    assert queue_broker.published == [("wizard", row.pk) for row in rows if row.pk != here]


@pytest.mark.parametrize("is_up", [True, False])
def test_what_this_process_cannot_run_is_published_and_left_to_one_that_can(
    queue_broker: RecordingBroker, held: Held, is_up: bool
) -> None:
    queue_broker.is_up = is_up
    held.let_go.set()
    [row] = waiting_rollbacks(1)
    one = Dispatcher([JobKind(DatabaseRollback, "wizard", held.run, can_run=lambda: False)], [])
    one.round()
    one.stop()
    assert held.begun == []
    assert queue_broker.published == [("wizard", row.pk)] * is_up


def test_the_threads_of_all_kinds_find_database_connections() -> None:
    """Each may need a second one, which renews its lease; one more is for the rounds."""
    kinds = [import_string(name) for name in settings.DISPATCHED]
    pool: Any = database("postgresql:///portal")["OPTIONS"]
    assert 2 * sum(kind.threads for kind in kinds) + 1 <= pool["pool"]["max_size"]
