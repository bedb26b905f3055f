"""Following an accepted order: success only when the provider is done and users get the target."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from deployments.models import OperationKind, Pin, Service
from deployments.operations import requests
from deployments.pages import status_text
from deployments.sandbox.server.faults import Fault
from rollback_portal.audit.record import Actor
from tests.deployments.conftest import BOTH, Portal


@BOTH
@pytest.mark.parametrize(
    "fault", ["error", "drop_before", "not_json", "rate_limit", "refuse_connection", "slow"]
)
@pytest.mark.parametrize("read", ["service", "deploy"])
def test_faults_while_following_delay_a_success_and_never_invent_one(
    portal: Portal, name: str, fault: str, read: str
) -> None:
    on = {
        "service": f"{name}.service" if name == "render" else "vercel.project",
        "deploy": f"{name}.deploy*",
    }[read]
    service = portal.service(name)
    change = portal.ask(service, portal.candidate(service))
    portal.sandbox.faults.add(Fault(on=on, do=fault, times=3, seconds=1.0))

    change = portal.finish(change)

    assert change.status == "succeeded", change.message
    assert len(portal.posts()) == 1


@BOTH
def test_what_only_the_provider_calls_live_is_not_a_success(portal: Portal, name: str, settings: Any) -> None:
    settings.SERVE_SECONDS = 1
    service = portal.service(name)
    portal.sandbox.faults.add(Fault(on=f"{name}.rollback", do="lie_live", detail="everything", seconds=600))

    change = portal.finish(portal.ask(service, portal.candidate(service)))

    assert change.status == "failed", change.message
    assert "users get something else" in change.message


def test_domains_that_were_not_moved_are_named(portal: Portal) -> None:
    portal.sandbox.faults.add(Fault(on="vercel.rollback", do="fail_aliases"))

    change = portal.roll_back("vercel")

    assert change.status == "failed"
    assert change.evidence["failed domains"]


@pytest.mark.parametrize("fault", ["fail", "fail_aliases"])
def test_a_move_that_failed_leaves_no_pin_where_the_provider_pins_nothing(portal: Portal, fault: str) -> None:
    portal.sandbox.faults.add(Fault(on="vercel.rollback", do=fault))

    assert portal.roll_back("vercel").status == "failed"

    assert portal.web.auto_deploy == "on"
    assert not Pin.objects.standing().exists()


def test_a_second_rollback_that_moved_nothing_leaves_the_pin_of_the_first(portal: Portal) -> None:
    first = portal.roll_back("vercel")
    pin = Pin.objects.standing().get()
    portal.read()
    portal.sandbox.faults.add(Fault(on="vercel.rollback", do="fail"))

    second = portal.roll_back("vercel")

    assert (first.status, second.status) == ("succeeded", "failed")
    assert portal.web.live == first.to_deployment
    assert Pin.objects.standing().get() == pin
    assert portal.plan(portal.web, pin.rolled_back_from, OperationKind.LEAVE).ineligible_reason == ""


@BOTH
def test_a_success_that_nobody_could_check_from_outside_says_so(portal: Portal, name: str) -> None:
    Service.objects.update(addresses=[], addresses_customized=True)

    change = portal.roll_back(name)

    assert (change.status, change.unchecked) == ("succeeded", True)
    assert "nothing was checked from outside" in change.message
    assert status_text.badge_of(change, timezone.now()).tone == "warn"


def test_an_order_that_never_ends_needs_attention(portal: Portal) -> None:
    portal.settings.FOLLOW_SECONDS = 0
    portal.sandbox.faults.add(Fault(on="render.rollback", do="stuck"))

    change = portal.roll_back("render")

    assert change.status == "needs_attention", change.message
    assert len(portal.posts()) == 1
    assert Pin.objects.standing().exists()


def test_an_order_under_way_is_canceled_at_the_provider_and_leaves_nothing_behind(portal: Portal) -> None:
    before, live = portal.api.auto_deploy, portal.world.serving("shop-api").commit
    portal.sandbox.faults.add(Fault(on="render.rollback", do="stuck"))
    change = portal.run(portal.ask(portal.api, portal.candidate(portal.api)))
    assert change.status == "accepted", change.message
    requests.request_cancel(Actor.of(portal.ana), change)

    change = portal.finish(change)

    assert change.status == "canceled", change.message
    assert change.provider_ref in change.evidence["cancel"]
    assert portal.world.serving("shop-api").commit == live
    assert portal.api.auto_deploy == before
    assert not Pin.objects.standing().exists()


def test_a_move_that_worked_is_done_although_the_project_names_no_domain(portal: Portal) -> None:
    change = portal.ask(portal.web, portal.candidate(portal.web))
    portal.world.provider_says(portal.web.name, {"alias": None})

    assert portal.finish(change).status == "succeeded"
