"""A worker can die between any two lines. What it left is taken up, and nothing is sent twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from deployments import changes
from deployments.connections import provider
from deployments.models import Change
from deployments.providers.base import Urgency
from deployments.sandbox.faults import Fault
from deployments.steps import LeaseLost, Run
from deployments.steps.sending import commit_intent, new_ticket, stored_ticket
from tests.deployments.conftest import Portal

BOTH = pytest.mark.parametrize("name", ["render", "vercel"])


def claimed(portal: Portal, name: str) -> Run:
    """A run whose worker will not come back."""
    service = portal.service(name)
    pk, owner = portal.ask(service, portal.candidate(service)).pk, uuid4()
    change = changes.claim(pk, owner)
    assert change is not None
    return Run(change, owner, provider(name, Urgency.OPERATION))


def die(run: Run) -> Change:
    """The lease of a dead worker runs out."""
    Change.objects.filter(pk=run.change.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    return run.change


@BOTH
def test_dead_after_the_claim_it_is_run_by_the_next_worker(portal: Portal, name: str) -> None:
    change = portal.finish(die(claimed(portal, name)))

    assert (change.status, len(portal.posts())) == ("succeeded", 1)


@BOTH
def test_dead_between_intent_and_call_it_is_read_back_and_sent_once(portal: Portal, name: str) -> None:
    run = claimed(portal, name)
    ticket = new_ticket(run, run.provider.current(run.change.service.provider_id))
    run.change.settings_before = run.change.service.automatic
    if name == "render":
        run.move("pinning", ticket=ticket, settings_before=run.change.settings_before)
        run.provider.pin(run.change.service.provider_id)
    commit_intent(run, ticket)

    change = portal.finish(die(run))

    assert (change.status, change.resends, len(portal.posts())) == ("succeeded", 1, 1), change.sentence


@BOTH
def test_dead_after_the_call_the_work_is_found_and_followed(portal: Portal, name: str) -> None:
    run = claimed(portal, name)
    service, target = run.change.service, run.change.to_deployment
    assert target is not None
    ticket = new_ticket(run, run.provider.current(service.provider_id))
    run.change.settings_before = service.automatic
    if name == "render":
        run.move("pinning", ticket=ticket, settings_before=service.automatic)
    commit_intent(run, ticket)
    run.provider.roll_back(service.provider_id, target.provider_id, reason="500s on checkout")

    change = portal.finish(die(run))

    assert (change.status, len(portal.posts())) == ("succeeded", 1), change.sentence
    assert portal.world.serving(service.name).commit == target.commit_sha


def test_the_intent_keeps_when_the_domains_had_last_moved(portal: Portal) -> None:
    """That move is nobody else's doing meanwhile, though it may be of the second in which we ask."""
    portal.finish(portal.ask(portal.web, portal.candidate(portal.web)))
    run = claimed(portal, "vercel")
    current = run.provider.current(portal.web.provider_id)
    commit_intent(run, new_ticket(run, current))

    kept = stored_ticket(Change.objects.get(pk=run.change.pk)).last_move

    assert current.alias_request is not None
    assert kept == current.alias_request.requested_at


def test_a_worker_whose_lease_ran_out_writes_nothing(portal: Portal) -> None:
    run = claimed(portal, "render")
    die(run)

    with pytest.raises(LeaseLost):
        run.move("pinning")

    assert Change.objects.get(pk=run.change.pk).status == "queued"


def test_two_workers_cannot_hold_one_change(portal: Portal) -> None:
    run = claimed(portal, "render")

    assert changes.claim(run.change.pk, uuid4()) is None
    assert changes.due() == []


def test_an_intent_older_than_ten_minutes_is_failed_not_run(portal: Portal) -> None:
    change = portal.ask(portal.api, portal.candidate(portal.api))
    change.operation.requested_at = timezone.now() - timedelta(minutes=11)
    change.operation.save(update_fields=["requested_at"])

    change = portal.finish(change)

    assert (change.status, portal.posts()) == ("failed", [])
    assert "more than 10 minutes" in change.sentence


def test_a_provider_that_stays_silent_ends_in_needs_attention_with_evidence(
    portal: Portal, settings: Any
) -> None:
    settings.SETTLE_SECONDS = 30
    change = portal.ask(portal.web, portal.candidate(portal.web))
    portal.sandbox.faults.add(Fault(on="vercel.rollback", do="drop_after"))
    assert portal.run(change).status == "unclear"
    portal.sandbox.faults.add(Fault(on="vercel.project", do="error", times=None))
    long_ago = timezone.now() - timedelta(minutes=31)
    Change.objects.filter(pk=change.pk).update(asked_at=long_ago, not_before=None)

    change = portal.finish(change)

    assert change.status == "needs_attention", change.sentence
    assert change.evidence["lost answer"]
    assert len(portal.posts()) == 1
