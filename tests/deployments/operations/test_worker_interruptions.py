"""A worker can die between any two lines. Another one takes its change over, and nothing is sent twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.clients import provider
from deployments.models import Change
from deployments.operations.steps import ChangeContext
from deployments.operations.steps.send_order import commit_intent, new_order_record, stored_order_record
from deployments.providers.base import Urgency
from deployments.sandbox.server.faults import Fault
from rollback_portal.jobs import queue
from rollback_portal.jobs.lease import LeaseLost
from tests.deployments.conftest import Portal

BOTH = pytest.mark.parametrize("name", ["render", "vercel"])


def claimed(portal: Portal, name: str) -> ChangeContext:
    """A claimed change whose worker will not come back."""
    service = portal.service(name)
    change = queue.claim(Change.objects.shown(), portal.ask(service, portal.candidate(service)).pk)
    assert change is not None
    return ChangeContext(change, provider(name, Urgency.OPERATION))


def die(held: ChangeContext) -> Change:
    """Let the lease of a dead worker run out."""
    Change.objects.filter(pk=held.change.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    return held.change


@BOTH
def test_after_a_death_behind_the_claim_the_next_worker_runs_it(portal: Portal, name: str) -> None:
    change = portal.finish(die(claimed(portal, name)))

    assert (change.status, len(portal.posts())) == ("succeeded", 1)


@BOTH
def test_after_a_death_between_intent_and_call_it_is_looked_up_and_sent_once(
    portal: Portal, name: str
) -> None:
    held = claimed(portal, name)
    order_record = new_order_record(held, held.provider.current(held.change.service.provider_id))
    held.change.auto_deploy_before = held.change.service.auto_deploy
    if name == "render":
        held.advance("pinning", order_record=order_record, auto_deploy_before=held.change.auto_deploy_before)
        held.provider.pin(held.change.service.provider_id)
    commit_intent(held, order_record)

    change = portal.finish(die(held))

    assert (change.status, change.resends, len(portal.posts())) == ("succeeded", 1, 1), change.message


@BOTH
def test_after_a_death_behind_the_call_the_order_is_found_and_followed(portal: Portal, name: str) -> None:
    held = claimed(portal, name)
    service, target = held.change.service, held.change.to_deployment
    assert target is not None
    order_record = new_order_record(held, held.provider.current(service.provider_id))
    held.change.auto_deploy_before = service.auto_deploy
    if name == "render":
        held.advance("pinning", order_record=order_record, auto_deploy_before=service.auto_deploy)
    commit_intent(held, order_record)
    held.provider.roll_back(service.provider_id, target.provider_id, reason="500s on checkout")

    change = portal.finish(die(held))

    assert (change.status, len(portal.posts())) == ("succeeded", 1), change.message
    assert portal.world.serving(service.name).commit == target.commit_sha


def test_the_intent_keeps_when_the_domains_had_last_moved(portal: Portal) -> None:
    """That move must not be mistaken for a newer one, even if it falls into the second of the order."""
    portal.finish(portal.ask(portal.web, portal.candidate(portal.web)))
    held = claimed(portal, "vercel")
    current = held.provider.current(portal.web.provider_id)
    commit_intent(held, new_order_record(held, current))

    kept = stored_order_record(Change.objects.get(pk=held.change.pk)).last_move

    assert current.alias_request is not None
    assert kept == current.alias_request.requested_at


def test_a_worker_whose_lease_ran_out_writes_nothing(portal: Portal) -> None:
    held = claimed(portal, "render")
    die(held)

    with pytest.raises(LeaseLost):
        held.advance("pinning")

    assert Change.objects.get(pk=held.change.pk).status == "queued"


def test_two_workers_cannot_hold_one_change(portal: Portal) -> None:
    held = claimed(portal, "render")

    assert queue.claim(Change.objects.all(), held.change.pk) is None
    assert queue.due(Change, timezone.now()) == []


def test_an_intent_older_than_ten_minutes_is_failed_not_run(portal: Portal) -> None:
    change = portal.ask(portal.api, portal.candidate(portal.api))
    change.operation.requested_at = timezone.now() - timedelta(minutes=11)
    change.operation.save(update_fields=["requested_at"])

    change = portal.finish(change)

    assert (change.status, portal.posts()) == ("failed", [])
    assert "more than 10 minutes" in change.message


def test_a_provider_that_never_answers_ends_in_needs_attention_with_evidence(
    portal: Portal, settings: Any
) -> None:
    settings.SETTLE_SECONDS = 30
    change = portal.ask(portal.web, portal.candidate(portal.web))
    portal.sandbox.faults.add(Fault(on="vercel.rollback", do="drop_after"))
    assert portal.run(change).status == "unclear"
    portal.sandbox.faults.add(Fault(on="vercel.project", do="error", times=None))
    long_ago = timezone.now() - timedelta(minutes=31)
    Change.objects.filter(pk=change.pk).update(order_intent_at=long_ago, not_before=None)

    change = portal.finish(change)

    assert change.status == "needs_attention", change.message
    assert change.evidence["lost answer"]
    assert len(portal.posts()) == 1
