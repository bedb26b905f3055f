"""No machine's own clock decides who holds a row, when it is due, or whether a process is alive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.models import Change
from deployments.operations.stalled import STALLED_AFTER, give_up_on_stalled_worker
from deployments.sandbox.clock import utcnow
from rollback_portal.jobs import clock, queue
from rollback_portal.jobs.lease import Lease, LeaseLost
from rollback_portal.jobs.process import heartbeats
from rollback_portal.jobs.schedule import RecurringTask, take_turn
from tests import factories

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
BOTH_WAYS = pytest.mark.parametrize("off", [HOUR, -HOUR], ids=["an hour ahead", "an hour behind"])


def go_wrong(monkeypatch: pytest.MonkeyPatch, off: timedelta) -> None:
    monkeypatch.setattr(timezone, "now", lambda: utcnow() + off)


@pytest.fixture
def lease(settings: Any) -> Lease[Change]:
    """That a worker with the right time has taken for ten minutes."""
    settings.LEASE_SECONDS = 600
    row = queue.claim(Change.objects.all(), factories.change(factories.service()).pk)
    assert row is not None
    return Lease(row)


def test_the_clock_is_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    before = utcnow()
    go_wrong(monkeypatch, HOUR)
    assert before - timedelta(minutes=1) < clock.now() < before + timedelta(minutes=10)


@BOTH_WAYS
def test_a_machine_with_a_wrong_clock_takes_no_row_that_another_one_holds(
    off: timedelta, lease: Lease[Change], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_wrong(monkeypatch, off)
    assert queue.due(Change) == []
    assert queue.take_due(Change, 10) == []
    assert queue.claim(Change.objects.all(), lease.row.pk) is None


@BOTH_WAYS
def test_a_worker_whose_clock_jumps_keeps_its_lease_for_exactly_as_long(
    off: timedelta, lease: Lease[Change], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_wrong(monkeypatch, off)
    assert lease.renew(message="Still at work.")
    assert lease.row.pk not in queue.due(Change)
    Change.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    with pytest.raises(LeaseLost):
        lease.note(message="Too late.")


@BOTH_WAYS
def test_a_wrong_clock_calls_no_worker_stalled(
    off: timedelta, lease: Lease[Change], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_wrong(monkeypatch, off)
    assert not give_up_on_stalled_worker(lease.row.pk)
    Change.objects.update(status="sending", lease_until=clock.now() - STALLED_AFTER - timedelta(seconds=1))
    assert give_up_on_stalled_worker(lease.row.pk)


@BOTH_WAYS
def test_what_is_handed_back_with_a_wrong_clock_is_due_after_its_wait(
    off: timedelta, lease: Lease[Change], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_wrong(monkeypatch, off)
    lease.hand_back(0)
    assert queue.due(Change) == [lease.row.pk]
    lease = Lease(queue.claim(Change.objects.all(), lease.row.pk) or pytest.fail("it was due"))
    lease.hand_back(60)
    assert queue.due(Change) == []


@BOTH_WAYS
def test_a_heartbeat_of_a_machine_with_a_wrong_clock_is_as_old_as_it_is(
    off: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as wrong:
        go_wrong(wrong, off)
        heartbeats.record_heartbeat("worker")
    assert heartbeats.process_status().workers.alive == 1
    go_wrong(monkeypatch, off)
    assert heartbeats.process_status().workers.alive == 1


def test_a_dispatcher_with_a_wrong_clock_neither_repeats_a_task_nor_holds_it_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = RecurringTask("read", "task", timedelta(seconds=30))
    assert take_turn(task)
    go_wrong(monkeypatch, HOUR)
    assert not take_turn(task)
    go_wrong(monkeypatch, -HOUR)
    assert not take_turn(task)
