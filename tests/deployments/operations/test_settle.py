"""Where the portal cannot tell, a person looks at the provider and says what became of it."""

from __future__ import annotations

import pytest
from django.test import Client

from deployments.models import Change
from deployments.operations import requests
from deployments.sandbox.server.faults import Fault
from rollback_portal.audit.models import AuditEntry
from rollback_portal.audit.record import Actor
from tests import factories
from tests.deployments.conftest import Portal


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

    requests.settle(Actor.of(portal.ana), change, applied=True)
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
        requests.settle(Actor.of(portal.ana), change, applied=True)
        change = portal.finish(change)

    assert change.status == "succeeded", change.message
    assert len(portal.posts()) == 1


def test_it_was_not_applied_ends_it_and_is_on_record(portal: Portal) -> None:
    change = unresolved(portal)

    requests.settle(Actor.of(portal.ana), change, applied=False)

    assert Change.objects.get(pk=change.pk).status == "failed"
    assert AuditEntry.objects.filter(action="settled by hand", actor_name="Ana Ruiz").exists()


def test_only_what_needs_a_person_can_be_settled(portal: Portal) -> None:
    change = portal.roll_back("vercel")

    with pytest.raises(requests.NotPossible, match="does not wait for a person"):
        requests.settle(Actor.of(portal.ana), change, applied=False)


def test_an_operation_under_way_on_the_service_comes_first(portal: Portal) -> None:
    change = unresolved(portal)
    factories.change(portal.api)

    with pytest.raises(requests.NotPossible, match="Another operation runs"):
        requests.settle(Actor.of(portal.ana), change, applied=True)


def test_the_page_offers_three_choices_and_takes_the_answer(portal: Portal, client: Client) -> None:
    change = unresolved(portal)
    client.force_login(portal.ana)
    page = client.get(change.operation.get_absolute_url()).content.decode()

    client.post(f"{change.operation.get_absolute_url()}settle/", {"applied": "no"})

    assert "It was applied" in page
    assert "It was not applied" in page
    assert "Send it again" in page
    assert Change.objects.get(pk=change.pk).status == "failed"


def test_a_viewer_cannot_settle(portal: Portal, client: Client) -> None:
    change = unresolved(portal)
    client.force_login(factories.person("viewer", "Vera Holm"))

    answer = client.post(f"{change.operation.get_absolute_url()}settle/", {"applied": "no"})

    assert answer.status_code == 403
    assert Change.objects.get(pk=change.pk).status == "needs_attention"
