"""A step moves the change with its audit entry, and gives up where nobody answers any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.models import Change
from deployments.sandbox.server.faults import Fault
from rollback_portal.audit.models import AuditEntry
from rollback_portal.jobs.lease import LeaseLost
from tests.deployments.conftest import Portal, die


def test_a_worker_whose_lease_ran_out_writes_nothing(portal: Portal) -> None:
    held = portal.claimed("render")
    die(held)

    with pytest.raises(LeaseLost):
        held.advance("pinning")

    assert Change.objects.get(pk=held.change.pk).status == "queued"


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


def test_every_move_of_a_change_is_in_the_audit_log(portal: Portal) -> None:
    change = portal.roll_back("render")

    actions = list(
        AuditEntry.objects.filter(operation=change.operation_id)
        .order_by("id")
        .values_list("action", flat=True)
    )

    assert actions == [
        "rollback requested",
        "rollback started",
        "rollback sent",
        "rollback accepted",
        "rollback released",
        "rollback done",
    ]
    assert set(
        AuditEntry.objects.filter(operation=change.operation_id).values_list("actor_name", flat=True)
    ) == {"Ana Ruiz"}
