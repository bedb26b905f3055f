"""A worker that holds a change and has stalled: left alone for two minutes, then a person has to look."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments import prometheus
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
def stalled(portal: Portal) -> ChangeContext:
    """A worker was about to send an order and has not been heard from since."""
    change = portal.ask(portal.api, portal.candidate(portal.api))
    claimed = queue.claim(Change.objects.shown(), change.pk)
    assert claimed is not None
    context = ChangeContext(claimed, object())  # type: ignore[arg-type]  # the provider is never called
    context.advance("pinning")
    return context


def lease_ran_out(stalled: ChangeContext, ago: timedelta) -> None:
    Change.objects.filter(pk=stalled.change.pk).update(lease_until=timezone.now() - ago)


def audit_entries() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action="worker stalled"))


def test_within_two_minutes_nobody_takes_its_change(portal: Portal, stalled: ChangeContext) -> None:
    lease_ran_out(stalled, TWO_MINUTES - MOMENT)
    with liveness.liveness_lock(f"deployments.change:{stalled.change.pk}") as alive:
        assert alive

        assert worker.run(stalled.change.pk, seconds=5) is False

    assert Change.objects.get(pk=stalled.change.pk).status == "pinning"
    assert (portal.posts(), audit_entries()) == ([], [])


def test_after_two_minutes_the_change_needs_attention_and_is_counted_in_the_metrics(
    portal: Portal, stalled: ChangeContext
) -> None:
    lease_ran_out(stalled, TWO_MINUTES + MOMENT)
    with liveness.liveness_lock(f"deployments.change:{stalled.change.pk}") as alive:
        assert alive

        assert worker.run(stalled.change.pk, seconds=5) is False

    change = Change.objects.get(pk=stalled.change.pk)
    assert (change.status, change.lease_owner) == ("needs_attention", None)
    assert change.ended_at is not None
    assert "alive, but has not renewed its lease for 2 minutes" in change.message
    assert "at Render" in change.message
    (entry,) = audit_entries()
    assert (entry.outcome, entry.operation) == ("unclear", change.operation_id)
    assert change.message in entry.message
    assert 'portal_operations_need_attention{kind="roll_back"} 1.0' in prometheus.exposition()[0].decode()
    assert portal.posts() == []


def test_what_it_writes_after_that_is_refused(stalled: ChangeContext) -> None:
    lease_ran_out(stalled, TWO_MINUTES + MOMENT)
    assert give_up_on_stalled_worker(stalled.change.pk)

    with pytest.raises(LeaseLost):
        stalled.advance("sending")
    with pytest.raises(LeaseLost):
        stalled.note(message="I am back.")

    assert Change.objects.get(pk=stalled.change.pk).status == "needs_attention"


def test_it_is_recorded_once(stalled: ChangeContext) -> None:
    lease_ran_out(stalled, TWO_MINUTES + MOMENT)

    assert [give_up_on_stalled_worker(stalled.change.pk) for _ in range(3)] == [True, False, False]

    assert len(audit_entries()) == 1


def test_one_that_renews_its_lease_at_the_last_moment_is_not_given_up(
    stalled: ChangeContext, monkeypatch: Any
) -> None:
    """It wakes up between the check and the move."""
    lease_ran_out(stalled, TWO_MINUTES + MOMENT)
    move = Change.move

    def after_a_heartbeat(self: Change, *args: Any, **fields: Any) -> bool:
        Change.objects.filter(pk=self.pk).update(lease_until=timezone.now() + timedelta(seconds=30))
        return move(self, *args, **fields)

    monkeypatch.setattr(Change, "move", after_a_heartbeat)

    assert give_up_on_stalled_worker(stalled.change.pk) is False
    assert audit_entries() == []


def test_a_worker_that_died_has_not_stalled(portal: Portal) -> None:
    """Its lock ended with it, so another worker takes the change over, however long ago that was."""
    change = portal.ask(portal.api, portal.candidate(portal.api))
    assert queue.claim(Change.objects.all(), change.pk)
    Change.objects.filter(pk=change.pk).update(lease_until=timezone.now() - TWO_MINUTES - MOMENT)

    change = portal.finish(change)

    assert (change.status, len(portal.posts()), audit_entries()) == ("succeeded", 1, [])


def test_a_queued_change_is_not_given_up(portal: Portal) -> None:
    """A worker moves a change out of queued before it calls the provider, so nothing can have been sent."""
    change = portal.ask(portal.api, portal.candidate(portal.api))
    assert queue.claim(Change.objects.all(), change.pk)
    Change.objects.filter(pk=change.pk).update(lease_until=timezone.now() - TWO_MINUTES - MOMENT)

    assert give_up_on_stalled_worker(change.pk) is False
    assert Change.objects.get(pk=change.pk).status == "queued"
