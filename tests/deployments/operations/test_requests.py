"""What people can do: request an operation, cancel it, settle one that the portal cannot judge."""

from __future__ import annotations

from uuid import uuid4

import pytest

from deployments.models import Change
from deployments.operations import requests
from deployments.sandbox.server.faults import Fault
from rollback_portal.audit.models import AuditEntry
from rollback_portal.audit.record import Actor
from tests import factories
from tests.deployments.conftest import Portal


def test_two_people_two_clicks_one_operation(portal: Portal) -> None:
    target = portal.candidate(portal.api)
    first = portal.ask(portal.api, target)

    with pytest.raises(requests.OperationUnderWay) as second:
        portal.ask(portal.api, target)

    assert second.value.change.pk == first.pk
    assert Change.objects.count() == 1
    assert AuditEntry.objects.filter(action="rollback refused").count() == 1


def test_the_same_form_twice_is_the_same_operation(portal: Portal) -> None:
    plan, key, actor = portal.plan(portal.api, portal.candidate(portal.api)), uuid4(), Actor.of(portal.ana)

    first = requests.request_operation(
        actor, plan, idempotency_key=key, reason="errors", reason_detail="", incident=""
    )
    second = requests.request_operation(
        actor, plan, idempotency_key=key, reason="errors", reason_detail="", incident=""
    )

    assert first == second


def test_canceling_before_the_call_sends_nothing(portal: Portal) -> None:
    before, change = portal.api.auto_deploy, portal.ask(portal.api, portal.candidate(portal.api))

    requests.request_cancel(Actor.of(portal.ana), change)
    change = portal.finish(change)

    assert change.status == "canceled"
    assert portal.posts() == []
    assert portal.api.auto_deploy == before


def test_an_operation_that_ended_cannot_be_canceled(portal: Portal) -> None:
    change = portal.roll_back("render")

    with pytest.raises(requests.OperationRefused, match="ended already"):
        requests.request_cancel(Actor.of(portal.ana), change)


def unresolved(portal: Portal) -> Change:
    """An order that the provider works on for ever, as far as the portal can see."""
    portal.settings.FOLLOW_SECONDS = 0
    portal.sandbox.faults.add(Fault(on="render.rollback", do="stuck"))
    change = portal.roll_back("render")
    assert change.status == "needs_attention", change.message
    return change


def test_it_was_applied_is_checked_from_outside_and_not_just_believed(portal: Portal) -> None:
    portal.settings.SERVE_SECONDS = 0
    change = unresolved(portal)

    requests.settle_by_hand(Actor.of(portal.ana), change, applied=True)
    change = portal.finish(change)

    assert change.status == "failed"
    assert "users get something else" in change.message


def test_it_was_applied_and_serves_is_a_success(portal: Portal) -> None:
    portal.settings.FOLLOW_SECONDS = 0
    portal.sandbox.faults.add(Fault(on="render.rollback", do="slow", seconds=0.1))
    change = portal.roll_back("render")
    if change.status == "needs_attention":
        assert change.to_deployment is not None
        portal.wait_until_it_serves("shop-api", change.to_deployment)
        requests.settle_by_hand(Actor.of(portal.ana), change, applied=True)
        change = portal.finish(change)

    assert change.status == "succeeded", change.message
    assert len(portal.posts()) == 1


def test_it_was_not_applied_ends_it_and_is_on_record(portal: Portal) -> None:
    change = unresolved(portal)

    requests.settle_by_hand(Actor.of(portal.ana), change, applied=False)

    assert Change.objects.get(pk=change.pk).status == "failed"
    assert AuditEntry.objects.filter(action="settled by hand", actor_name="Ana Ruiz").exists()


def test_only_what_needs_a_person_can_be_settled(portal: Portal) -> None:
    change = portal.roll_back("vercel")

    with pytest.raises(requests.OperationRefused, match="no longer waiting for a person"):
        requests.settle_by_hand(Actor.of(portal.ana), change, applied=False)


def test_an_operation_under_way_on_the_service_comes_first(portal: Portal) -> None:
    change = unresolved(portal)
    factories.change(portal.api)

    with pytest.raises(requests.OperationRefused, match="Another operation runs"):
        requests.settle_by_hand(Actor.of(portal.ana), change, applied=True)
