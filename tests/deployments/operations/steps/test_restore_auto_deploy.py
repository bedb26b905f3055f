"""Automatic deploys go back to exactly what they were."""

from __future__ import annotations

import pytest

from deployments.models import Deployment, Operation, OperationKind, Pin
from deployments.operations import requests
from deployments.operations.steps import STEPS, ChangeContext
from deployments.sandbox.server.faults import Fault
from rollback_portal.audit.record import Actor
from tests import factories
from tests.deployments.conftest import BOTH, Portal, die


def ordered(portal: Portal, name: str) -> ChangeContext:
    """A rollback that the provider has accepted."""
    held = portal.claimed(name)
    while held.change.status != "accepted":
        STEPS[held.change.status](held)
    return held


def accepted(portal: Portal, name: str) -> ChangeContext:
    """A rollback that the provider has accepted and carried out, and that the portal has not followed yet."""
    held = ordered(portal, name)
    assert held.change.to_deployment is not None
    portal.wait_until_it_serves(held.change.service.name, held.change.to_deployment)
    return held


def older(portal: Portal, name: str) -> Deployment:
    """One further back than the portal's candidate."""
    service = portal.service(name)
    rows = service.deployments.filter(served=True, production=True, restores=None).exclude(commit_sha="")
    rows = rows.filter(can_roll_back__isnull=name == "render").exclude(pk=portal.candidate(service).pk)
    return rows.exclude(commit_sha=service.live.commit_sha).order_by("-created_at")[4]  # type: ignore[union-attr]


def complete_moves(portal: Portal) -> None:
    """Whatever the provider has begun ends at once."""
    while portal.world.steps:
        for step in portal.world.steps:
            step.at = portal.world.now()
        portal.world.settle()


@BOTH
def test_a_failed_order_leaves_the_setting_to_somebody_who_went_one_step_further(
    portal: Portal, name: str
) -> None:
    before, further = portal.service(name).auto_deploy, older(portal, name)
    held = accepted(portal, name)
    if name == "vercel":
        complete_moves(portal)  # Vercel refuses a second move while one is in progress
    portal.world.somebody_rolls_back(held.change.service.name, further.provider_id)
    portal.wait_until_it_serves(held.change.service.name, further)

    change = portal.finish(die(held))
    portal.read()

    assert change.status == "failed", change.message
    assert "the pin stands" in change.message
    assert portal.service(name).auto_deploy == "off"
    assert Pin.objects.standing().get().auto_deploy_before == before


def test_a_failed_order_leaves_the_setting_to_a_hotfix_that_replaced_it(portal: Portal) -> None:
    before = portal.api.auto_deploy
    held = accepted(portal, "render")
    hotfix = portal.world.somebody_deploys("shop-api", trigger="manual")
    portal.wait_until_it_serves("shop-api", Deployment(commit_sha=hotfix.commit))

    change = portal.finish(die(held))
    portal.read()

    assert change.status == "failed", change.message
    assert portal.api.auto_deploy == "off"
    assert Pin.objects.standing().get().auto_deploy_before == before


def test_a_canceled_order_leaves_the_setting_to_a_rollback_that_waits_behind_it(portal: Portal) -> None:
    portal.sandbox.faults.add(Fault(on="render.rollback", do="stuck"))
    further, held = older(portal, "render"), ordered(portal, "render")
    portal.world.somebody_rolls_back("shop-api", further.provider_id)
    requests.request_cancel(Actor.of(portal.ana), held.change)

    change = portal.finish(die(held))

    assert change.status == "canceled", change.message
    assert portal.world.service("shop-api").auto_deploy == "off"
    assert Pin.objects.standing().exists()


def test_a_refusal_puts_automatic_deploys_back(portal: Portal) -> None:
    portal.sandbox.faults.add(Fault(on="render.rollback", do="missing"))

    before = portal.api.auto_deploy
    change = portal.roll_back("render")

    assert change.status == "failed"
    assert portal.api.auto_deploy == before
    assert "again" in change.message


@pytest.mark.parametrize("setting", ["commit", "checksPass", "off"])
def test_exactly_the_setting_from_before_is_restored(portal: Portal, setting: str) -> None:
    portal.world.somebody_sets_auto_deploy("shop-api", setting)
    portal.read()
    portal.roll_back("render")

    left = portal.finish(portal.ask(portal.api, None, OperationKind.LEAVE))

    assert left.status == "succeeded", left.message
    assert portal.api.auto_deploy == setting
    assert not Pin.objects.standing().exists()


def test_leaving_without_traffic_sends_no_traffic_changing_call(portal: Portal) -> None:
    portal.roll_back("vercel")

    left = portal.finish(portal.ask(portal.web, None, OperationKind.LEAVE))

    assert left.status == "succeeded", left.message
    assert portal.web.auto_deploy == "on"
    assert len(portal.posts()) == 1


def test_where_they_cannot_be_switched_back_the_rollback_is_not_left(portal: Portal) -> None:
    portal.roll_back("render")
    portal.sandbox.faults.add(Fault(on="render.service.patch", do="forbidden"))

    left = portal.finish(portal.ask(portal.api, None, OperationKind.LEAVE))

    assert left.status == "failed"
    assert "still off" in left.message
    assert portal.world.service("shop-api").auto_deploy == "off"
    assert Pin.objects.standing().exists()


def test_a_setting_that_nobody_knows_is_left_alone_and_said(portal: Portal) -> None:
    portal.roll_back("render")
    Pin.objects.update(auto_deploy_before="")

    left = portal.finish(portal.ask(portal.api, None, OperationKind.LEAVE))

    assert left.status == "succeeded", left.message
    assert "not known" in left.message
    assert portal.world.service("shop-api").auto_deploy == "off"
    assert not Pin.objects.standing().exists()


def test_where_the_provider_does_not_answer_for_half_an_hour_the_rollback_is_not_left(portal: Portal) -> None:
    portal.roll_back("render")
    portal.sandbox.faults.add(Fault(on="render.service.patch", do="error", times=None, detail="500"))
    change = portal.run(portal.ask(portal.api, None, OperationKind.LEAVE))
    assert change.status == "restoring", change.message
    Operation.objects.filter(pk=change.operation_id).update(requested_at=factories.ago(minutes=31))

    left = portal.finish(change)

    assert left.outcome == "failed", left.message
    assert "not switched back" in left.message
    assert portal.world.service("shop-api").auto_deploy == "off"
    assert Pin.objects.standing().exists()
