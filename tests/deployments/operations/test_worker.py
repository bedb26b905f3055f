"""Operations from end to end: from the request to the provider, through the real clients."""

from __future__ import annotations

import time

from deployments.models import Deployment, OperationKind, Pin
from tests.deployments.conftest import BOTH, Portal


@BOTH
def test_a_rollback_puts_the_earlier_commit_in_front_of_users(portal: Portal, name: str) -> None:
    target = portal.candidate(portal.service(name))

    change = portal.roll_back(name)

    assert change.status == "succeeded", change.message
    assert portal.world.serving(portal.service(name).name).commit == target.commit_sha
    assert len(portal.posts()) == 1


@BOTH
def test_a_rollback_pins_the_service_and_remembers_the_setting_before(portal: Portal, name: str) -> None:
    before = portal.service(name).auto_deploy

    portal.roll_back(name)

    pin = Pin.objects.standing().get()
    assert (pin.pinned_by, pin.incident, pin.auto_deploy_before) == ("Ana Ruiz", "INC-413", before)
    assert portal.service(name).auto_deploy == "off"


@BOTH
def test_leaving_the_rollback_can_bring_the_later_deployment_back(portal: Portal, name: str) -> None:
    later = portal.service(name).live
    assert later is not None
    portal.stop_errors(name)
    portal.roll_back(name)

    left = portal.finish(portal.ask(portal.service(name), later, OperationKind.LEAVE))

    assert left.status == "succeeded", left.message
    assert portal.world.serving(portal.service(name).name).commit == later.commit_sha
    assert portal.service(name).auto_deploy == left.auto_deploy_before != "off"
    assert [post["applied"] for post in portal.posts()] == [True, True]


def test_a_second_rollback_keeps_what_was_before_the_first(portal: Portal) -> None:
    before = portal.api.auto_deploy
    portal.roll_back("render")
    older = Deployment.objects.filter(service=portal.api, status="retired", production=True)
    target = older.exclude(commit_sha=portal.api.live.commit_sha).order_by("-created_at")[3]  # type: ignore[union-attr]

    change = portal.finish(portal.ask(portal.api, target))

    assert change.status == "succeeded", change.message
    assert Pin.objects.standing().get().auto_deploy_before == before


def test_a_staged_deployment_is_promoted_and_that_ends_the_rollback(portal: Portal) -> None:
    portal.roll_back("vercel")
    portal.world.somebody_pushes("shop-web", message="Fix the checkout (#815)")
    staged = wait_for_staged(portal)

    change = portal.finish(portal.ask(portal.web, staged, OperationKind.PROMOTE))

    assert change.status == "succeeded", change.message
    assert portal.world.serving("shop-web").commit == staged.commit_sha
    assert not Pin.objects.standing().exists()


def wait_for_staged(portal: Portal) -> Deployment:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        portal.read()
        staged = Deployment.objects.filter(service=portal.web, staged=True).first()
        if staged is not None:
            return staged
    raise AssertionError("no staged deployment came")
