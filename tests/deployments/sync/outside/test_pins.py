"""Rollbacks and pins that somebody made at the provider, outside the portal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments.models import Change, Deployment, Operation, OperationKind, Pin, Service
from deployments.operations import requests, worker
from deployments.sandbox.server.faults import Fault
from rollback_portal.audit.models import AuditEntry
from rollback_portal.audit.record import Actor
from tests.deployments.conftest import BOTH, Portal


@BOTH
def test_a_rollback_in_the_providers_dashboard_is_seen_pinned_and_recorded(portal: Portal, name: str) -> None:
    service, target = portal.service(name), portal.candidate(portal.service(name))
    portal.world.somebody_rolls_back(service.name, target.provider_id, actor="chioma")
    portal.wait_until_it_serves(service.name, target)

    portal.read()

    live = portal.service(name).live
    assert live is not None
    assert live.commit_sha == target.commit_sha
    pin = Pin.objects.standing().get()
    assert pin.outside
    assert "chioma" in pin.pinned_by
    assert AuditEntry.objects.filter(action="rollback outside the portal", actor_name=pin.pinned_by).exists()


def test_a_render_rollback_from_outside_says_what_it_put_back(portal: Portal) -> None:
    target = portal.candidate(portal.api)
    portal.world.somebody_rolls_back("shop-api", target.provider_id, actor="chioma")
    portal.wait_until_it_serves("shop-api", target)
    portal.read()

    live = portal.api.live
    assert live is not None
    assert (live.restores, live.outside) == (target, True)


def test_the_portals_own_rollback_is_not_called_outside(portal: Portal) -> None:
    portal.roll_back("render")

    live = portal.api.live
    assert live is not None
    assert (live.outside, live.is_rollback) == (False, True)
    assert not Pin.objects.standing().get().outside


@BOTH
def test_a_pin_that_somebody_takes_away_outside_is_closed(portal: Portal, name: str) -> None:
    before = portal.service(name).auto_deploy
    portal.roll_back(name)
    Pin.objects.update(pinned_at=timezone.now() - timedelta(minutes=10))
    portal.world.somebody_sets_auto_deploy(portal.service(name).name, before)

    portal.read()

    assert not Pin.objects.standing().exists()


def test_a_missing_field_is_unknown_and_takes_no_pin_away(portal: Portal) -> None:
    portal.roll_back("vercel")
    portal.sandbox.faults.add(
        Fault(on="vercel.project", do="omit", detail="autoAssignCustomDomains", times=None)
    )
    Pin.objects.update(pinned_at=timezone.now() - timedelta(minutes=10))

    portal.read()

    assert portal.web.pinned is None
    assert Pin.objects.standing().exists()


@pytest.mark.parametrize("word", ["manual", "disabled"])
def test_a_new_word_of_render_for_off_takes_no_pin_away(portal: Portal, word: str) -> None:
    portal.roll_back("render")
    Pin.objects.update(pinned_at=timezone.now() - timedelta(minutes=10))
    for on, at in (("service", ""), ("services", "service.")):
        portal.sandbox.faults.add(
            Fault(on=f"render.{on}", do="replace", detail=f"{at}autoDeployTrigger={word}", times=None)
        )

    portal.read()

    assert portal.api.auto_deploy == "off"
    assert Pin.objects.standing().exists()


def test_a_rollback_whose_trigger_render_leaves_out_is_pinned_by_its_event(portal: Portal) -> None:
    before = portal.api.auto_deploy
    target = portal.candidate(portal.api)
    row = portal.world.somebody_rolls_back("shop-api", target.provider_id)
    portal.world.provider_says("shop-api", {"trigger": None}, row.id)
    portal.wait_until_it_serves("shop-api", target)

    portal.read()

    assert portal.api.pinned is None
    assert Pin.objects.standing().get().auto_deploy_before == before


@pytest.mark.parametrize("events", [True, False])
@pytest.mark.parametrize("trigger", ["rollback", None])
def test_a_hotfix_right_after_a_rollback_does_not_hide_it(
    portal: Portal, events: bool, trigger: str | None
) -> None:
    before, bad, target = portal.api.auto_deploy, portal.api.live, portal.candidate(portal.api)
    rolled = portal.world.somebody_rolls_back("shop-api", target.provider_id)
    portal.wait_until_it_serves("shop-api", target)
    portal.world.provider_says("shop-api", {"trigger": trigger}, rolled.id)
    hotfix = portal.world.somebody_deploys("shop-api", trigger="manual")
    portal.wait_until_it_serves("shop-api", Deployment(commit_sha=hotfix.commit))
    if not events:
        portal.sandbox.faults.add(Fault(on="render.events", do="forbidden", times=None))

    portal.read()
    if not events and trigger is None:
        assert not Pin.objects.exists()  # nothing tells of a rollback yet
        portal.sandbox.faults.clear()
        Service.objects.update(events_tried_at=None)
        portal.read()

    pin = Pin.objects.standing().get()
    assert (pin.rolled_back_from, pin.auto_deploy_before) == (bad, before)
    assert pin.deployment is not None
    assert pin.deployment.provider_id == rolled.id


def test_after_a_hotfix_a_rollback_that_was_left_is_not_pinned_again(portal: Portal) -> None:
    target = portal.candidate(portal.api)
    portal.world.somebody_rolls_back("shop-api", target.provider_id)
    portal.wait_until_it_serves("shop-api", target)
    hotfix = portal.world.somebody_deploys("shop-api", trigger="manual")
    portal.wait_until_it_serves("shop-api", Deployment(commit_sha=hotfix.commit))
    portal.read()
    left = portal.finish(portal.ask(portal.api, None, OperationKind.LEAVE, keep_auto_deploy_off=True))

    portal.read()

    assert (left.status, portal.api.auto_deploy) == ("succeeded", "off"), left.message
    assert not Pin.objects.standing().exists()


def test_a_setting_that_takes_effect_late_brings_the_pin_back(portal: Portal) -> None:
    portal.roll_back("vercel")
    portal.world.somebody_sets_auto_deploy("shop-web", "on")
    Pin.objects.update(pinned_at=timezone.now() - timedelta(minutes=3))
    portal.read()
    assert not Pin.objects.standing().exists()
    portal.world.somebody_sets_auto_deploy("shop-web", "off")

    portal.read()

    assert Pin.objects.standing().get().auto_deploy_before == "on"


def released() -> list[str]:
    """What was told of rollbacks that somebody left."""
    return list(
        AuditEntry.objects.filter(action__startswith="rollback left").values_list("message", flat=True)
    )


def pinned_long_ago() -> None:
    Pin.objects.update(pinned_at=timezone.now() - timedelta(minutes=20))


def given_up(portal: Portal) -> Change:
    """A rollback at Vercel whose move has not ended; new builds still take the domains."""
    portal.sandbox.faults.add(Fault(on="vercel.rollback", do="stuck", seconds=1_000))
    change = portal.ask(portal.web, portal.candidate(portal.web))
    worker.run(change.pk, seconds=1, longest_wait=0.2)
    sent = timezone.now() - timedelta(minutes=21)
    Change.objects.filter(pk=change.pk).update(order_intent_at=sent, not_before=None)
    change = portal.run(change)
    assert change.status == "needs_attention", change.message
    pinned_long_ago()
    return change


def test_an_order_that_waits_for_a_person_keeps_its_pin_until_it_takes_effect(portal: Portal) -> None:
    change = given_up(portal)
    portal.read()
    assert portal.web.auto_deploy == "on"
    assert Pin.objects.standing().get().change == change
    for step in portal.world.steps:
        step.at = portal.world.now()

    portal.wait_until_it_serves("shop-web", portal.candidate(portal.web))
    portal.read()

    assert portal.web.auto_deploy == "off"
    assert Pin.objects.standing().get().change == change
    assert released() == []


def test_nobody_is_said_to_have_left_a_rollback_that_was_not_applied(portal: Portal) -> None:
    change = given_up(portal)
    requests.settle_by_hand(Actor.of(portal.ana), change, applied=False)

    portal.read()

    assert Pin.objects.standing().get().change == change
    assert released() == []


def test_nobody_is_said_to_have_left_a_rollback_that_switched_nothing_off(portal: Portal) -> None:
    change = portal.ask(portal.api, portal.candidate(portal.api))
    portal.sandbox.faults.add(Fault(on="render.service.patch", do="error", detail="500", times=None))
    portal.run(change)
    Operation.objects.update(requested_at=timezone.now() - timedelta(minutes=31))
    change = portal.finish(change)
    pinned_long_ago()

    portal.read()

    assert (change.status, portal.api.auto_deploy) == ("failed", "checksPass"), change.message
    assert released() == []


def test_a_leave_that_failed_after_it_switched_automatic_deploys_on_is_not_somebody_elses(
    portal: Portal,
) -> None:
    portal.settings.SERVE_SECONDS = 1
    portal.roll_back("vercel")
    pin = portal.web.standing_pin
    assert pin is not None
    portal.sandbox.faults.add(Fault(on="vercel.promote", do="lie_live", detail="everything", seconds=600))
    left = portal.finish(portal.ask(portal.web, pin.rolled_back_from, OperationKind.LEAVE))
    pinned_long_ago()

    portal.read()

    assert (left.status, portal.web.auto_deploy) == ("failed", "on"), left.message
    (message,) = released()
    assert "Somebody" not in message
    assert f"of {left.operation.requested_by_name}" in message
    assert not Pin.objects.standing().exists()
