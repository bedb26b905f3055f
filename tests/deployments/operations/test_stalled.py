"""A worker holds a change, lives and says nothing: left alone for two minutes, then a person is called."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments import metrics
from deployments.models import Change
from deployments.operations import worker
from deployments.operations.stalled import give_up_on_stalled_worker
from deployments.operations.steps import ChangeContext
from rollback_portal.audit.models import AuditEntry
from rollback_portal.jobs import queue
from rollback_portal.jobs.lease import LeaseLost
from rollback_portal.jobs.process import liveness
from tests.deployments.conftest import Portal

TWO_MINUTES = timedelta(minutes=2)
MOMENT = timedelta(seconds=5)  # more than a statement takes, less than what matters here


@pytest.fixture
def held(portal: Portal) -> ChangeContext:
    """A worker is about to send, and has not been heard since."""
    change = portal.ask(portal.api, portal.candidate(portal.api))
    claimed = queue.claim(Change.objects.shown(), change.pk)
    assert claimed is not None
    context = ChangeContext(claimed, object())  # type: ignore[arg-type]  # it asks the provider nothing
    context.advance("pinning")
    return context


def lease_ran_out(held: ChangeContext, ago: timedelta) -> None:
    Change.objects.filter(pk=held.change.pk).update(lease_until=timezone.now() - ago)


def alarms() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action="worker stalled"))


def test_within_two_minutes_nobody_acts_in_its_place(portal: Portal, held: ChangeContext) -> None:
    lease_ran_out(held, TWO_MINUTES - MOMENT)
    with liveness.liveness_lock(f"deployments.change:{held.change.pk}") as alive:
        assert alive

        assert worker.run(held.change.pk, seconds=5) is False

    assert Change.objects.get(pk=held.change.pk).status == "pinning"
    assert (portal.posts(), alarms()) == ([], [])


def test_after_two_minutes_it_needs_attention_and_raises_the_alarm(
    portal: Portal, held: ChangeContext
) -> None:
    lease_ran_out(held, TWO_MINUTES + MOMENT)
    with liveness.liveness_lock(f"deployments.change:{held.change.pk}") as alive:
        assert alive

        assert worker.run(held.change.pk, seconds=5) is False

    change = Change.objects.get(pk=held.change.pk)
    assert (change.status, change.lease_owner) == ("needs_attention", None)
    assert change.ended_at is not None
    assert "alive, but has not been heard for 2 minutes" in change.message
    assert "at Render" in change.message
    (entry,) = alarms()
    assert (entry.outcome, entry.operation) == ("unclear", change.operation_id)
    assert change.message in entry.message
    assert 'portal_operations_need_attention{kind="roll_back"} 1.0' in metrics.exposition()[0].decode()
    assert portal.posts() == []


def test_what_it_writes_when_it_wakes_is_refused(held: ChangeContext) -> None:
    lease_ran_out(held, TWO_MINUTES + MOMENT)
    assert give_up_on_stalled_worker(held.change.pk)

    with pytest.raises(LeaseLost):
        held.advance("sending")
    with pytest.raises(LeaseLost):
        held.note(message="I am back.")

    assert Change.objects.get(pk=held.change.pk).status == "needs_attention"


def test_a_person_is_called_once(held: ChangeContext) -> None:
    lease_ran_out(held, TWO_MINUTES + MOMENT)

    assert [give_up_on_stalled_worker(held.change.pk) for _ in range(3)] == [True, False, False]

    assert len(alarms()) == 1


def test_one_that_renewed_its_lease_meanwhile_is_not_given_up(held: ChangeContext, monkeypatch: Any) -> None:
    """It woke up between the look and the move."""
    lease_ran_out(held, TWO_MINUTES + MOMENT)
    move = Change.move

    def after_a_heartbeat(self: Change, *args: Any, **fields: Any) -> bool:
        Change.objects.filter(pk=self.pk).update(lease_until=timezone.now() + timedelta(seconds=30))
        return move(self, *args, **fields)

    monkeypatch.setattr(Change, "move", after_a_heartbeat)

    assert give_up_on_stalled_worker(held.change.pk) is False
    assert alarms() == []


def test_a_worker_that_died_has_not_stalled(portal: Portal) -> None:
    """Its lock is gone with it, so the change is taken up, however long ago that was."""
    change = portal.ask(portal.api, portal.candidate(portal.api))
    assert queue.claim(Change.objects.all(), change.pk)
    Change.objects.filter(pk=change.pk).update(lease_until=timezone.now() - TWO_MINUTES - MOMENT)

    change = portal.finish(change)

    assert (change.status, len(portal.posts()), alarms()) == ("succeeded", 1, [])


def test_what_has_sent_nothing_yet_has_nothing_to_be_looked_up(portal: Portal) -> None:
    """A queued change stays queued: whoever holds it writes down that it begins before it asks anybody."""
    change = portal.ask(portal.api, portal.candidate(portal.api))
    assert queue.claim(Change.objects.all(), change.pk)
    Change.objects.filter(pk=change.pk).update(lease_until=timezone.now() - TWO_MINUTES - MOMENT)

    assert give_up_on_stalled_worker(change.pk) is False
    assert Change.objects.get(pk=change.pk).status == "queued"
