"""A rollback while a build is running: the plan names it and cancels it first, in the same operation."""

from __future__ import annotations

import pytest
from django.test import Client

from deployments.models import Change, OperationKind
from deployments.operations import requests
from deployments.sandbox.server.faults import Fault
from rollback_portal.audit.record import Actor
from tests.deployments.conftest import Portal


@pytest.fixture
def building(portal: Portal) -> Portal:
    """The portal after a push that Render is still building."""
    portal.world.somebody_pushes("shop-api", message="Even faster totals (#813)", outcome="stuck")
    portal.read()
    return portal


def test_the_plan_names_the_running_build_and_cancels_it_first(building: Portal) -> None:
    plan = building.plan(building.api, building.candidate(building.api))

    assert plan.steps[0].status == "clearing"
    assert "Even faster totals" in plan.steps[0].message


def test_the_build_is_canceled_and_confirmed_before_the_rollback_in_one_operation(building: Portal) -> None:
    target = building.candidate(building.api)

    change = building.finish(building.ask(building.api, target))

    assert change.status == "succeeded", change.message
    assert "clearing" in change.status_times
    assert building.world.serving("shop-api").commit == target.commit_sha
    canceled = building.api.deployments.filter(commit_message__startswith="Even faster").first()
    assert canceled is not None
    assert canceled.status == "canceled"


def test_nothing_is_canceled_unless_requested(building: Portal) -> None:
    from uuid import uuid4

    from deployments.operations.plan import make_plan

    service, target = building.api, building.candidate(building.api)
    plan = make_plan(OperationKind.ROLL_BACK, service, target, None, None, cancel_builds_first=False)
    operation = requests.request_operation(
        Actor.of(building.ana), plan, idempotency_key=uuid4(), reason="errors", reason_detail="", incident=""
    )
    building.run(operation.change)

    assert "clearing" not in Change.objects.get(pk=operation.change.pk).status_times


def test_a_build_that_cannot_be_canceled_stops_it_before_anything_is_sent(
    building: Portal,
) -> None:
    building.settings.FOLLOW_SECONDS = 1
    building.sandbox.faults.add(Fault(on="render.cancel", do="conflict", times=None))

    change = building.finish(building.ask(building.api, building.candidate(building.api)))

    assert (change.status, building.posts()) == ("failed", [])
    assert "still shows" in change.message


def test_the_dialog_offers_it(building: Portal, client: Client) -> None:
    client.force_login(building.ana)
    target = building.candidate(building.api)

    page = client.get(f"/services/shop-api/deployments/{target.provider_id}/roll-back/").content.decode()

    assert "First cancel what is still being built" in page
