"""External changes are audited once, at their own time, with the actor that the provider names."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from deployments.models import Deployment, OperationKind, OutsideAct, Pin, Service
from deployments.sandbox.server.faults import Fault
from rollback_portal.audit.models import AuditEntry
from tests.deployments.conftest import BOTH, Portal

HOTFIXES = pytest.mark.parametrize(
    "trigger", ["manual", "api", "deploy_hook", "blueprint_sync", "brand_new_word"]
)


def outside() -> list[AuditEntry]:
    """What was told of acts outside the portal, in the order of the acts."""
    return list(AuditEntry.objects.filter(role="outside the portal").order_by("time", "id"))


def actions() -> list[str]:
    return [entry.action for entry in outside()]


def served(portal: Portal, row: Any) -> Deployment:
    """Read until the deployment that somebody started is a row that is live."""
    for _ in range(20):
        portal.world.settle()
        portal.read()
        found = Deployment.objects.filter(provider_id=row.id, live_since__isnull=False).first()
        if found is not None:
            return found
    raise AssertionError(f"{row.id} did not go live")


def no_events(portal: Portal, how: str = "forbidden") -> None:
    portal.sandbox.faults.add(Fault(on="*.events", do=how, times=None))


@BOTH
def test_what_was_there_at_the_first_reading_is_no_news(portal: Portal, name: str) -> None:
    portal.read()
    portal.read()
    assert outside() == []


@BOTH
def test_a_push_that_goes_live_is_told_once_at_its_own_time(portal: Portal, name: str) -> None:
    service = portal.service(name)
    pushed = portal.world.somebody_pushes(service.name, message="Break the checkout")
    row = served(portal, pushed)
    portal.read()

    (entry,) = outside()
    assert entry.action == "deployment went live"
    assert "Break the checkout" in entry.message
    assert (entry.actor_name, entry.after["live"]) == ("a push", str(row))
    assert entry.happened_at == row.live_since


@HOTFIXES
def test_a_hotfix_beside_a_pin_is_an_entry_and_leaves_pin_and_setting(portal: Portal, trigger: str) -> None:
    before = portal.api.auto_deploy
    portal.roll_back("render")
    Pin.objects.update(pinned_at=timezone.now() - timedelta(minutes=10))
    served(portal, portal.world.somebody_deploys("shop-api", trigger=trigger, message="Hotfix the total"))

    portal.read()

    (entry,) = outside()
    assert entry.action == "deployment went live"
    assert "Hotfix the total" in entry.message
    assert "still stands" in entry.message
    assert entry.incident == "INC-413"
    assert portal.api.pinned is None
    assert Pin.objects.standing().get().auto_deploy_before == before == "checksPass"


def test_a_rollback_after_a_hotfix_restores_what_was_before_the_first_one(portal: Portal) -> None:
    portal.roll_back("render")
    Pin.objects.update(pinned_at=timezone.now() - timedelta(minutes=10))
    served(portal, portal.world.somebody_deploys("shop-api", trigger="manual"))
    rows = portal.api.deployments.filter(status="retired", production=True)
    older = rows.exclude(commit_sha=portal.api.live.commit_sha).order_by("-created_at")[4]  # type: ignore[union-attr]

    again = portal.finish(portal.ask(portal.api, older))
    left = portal.finish(portal.ask(portal.api, None, OperationKind.LEAVE))

    assert (again.status, left.status) == ("succeeded", "succeeded"), (again.message, left.message)
    assert portal.api.auto_deploy == "checksPass"
    assert not Pin.objects.standing().exists()


def test_a_rollback_over_renders_api_with_automatic_deploys_on_is_told(portal: Portal) -> None:
    target = portal.candidate(portal.api)
    rolled = portal.world.somebody_rolls_back("shop-api", target.provider_id, actor="chioma", dashboard=False)
    served(portal, rolled)

    (entry,) = outside()
    assert entry.action == "rollback outside the portal"
    assert "chioma" in entry.actor_name
    assert "the next push undoes it" in entry.message
    assert entry.after["auto_deploy"] == "checksPass"
    assert not Pin.objects.exists()


@BOTH
def test_a_rollback_while_a_pin_stands_is_told_and_the_pin_stays(portal: Portal, name: str) -> None:
    portal.roll_back(name)
    service = portal.service(name)
    rows = service.deployments.filter(served=True, production=True).exclude(commit_sha="")
    target = rows.exclude(commit_sha=service.live.commit_sha).filter(can_roll_back__isnull=name == "render")  # type: ignore[union-attr]
    older = target.exclude(restores__isnull=False).order_by("-created_at")[4]
    portal.world.somebody_rolls_back(service.name, older.provider_id, actor="chioma")
    portal.wait_until_it_serves(service.name, older)
    portal.read()
    portal.read()

    (entry,) = outside()
    assert entry.action == "rollback outside the portal"
    assert "chioma" in entry.actor_name
    assert Pin.objects.standing().get().change is not None


def test_a_dashboard_rollback_is_told_with_the_setting_that_it_switched_off(portal: Portal) -> None:
    target = portal.candidate(portal.api)
    served(portal, portal.world.somebody_rolls_back("shop-api", target.provider_id))
    portal.read()

    assert sorted(actions()) == [
        "automatic deploys changed outside the portal",
        "rollback outside the portal",
    ]
    assert Pin.objects.standing().get().auto_deploy_before == "checksPass"


def test_a_manual_promotion_at_vercel_is_told(portal: Portal) -> None:
    portal.roll_back("vercel")
    back = Pin.objects.get().rolled_back_from
    assert back is not None
    Pin.objects.update(pinned_at=timezone.now() - timedelta(minutes=10))
    portal.world.somebody_promotes("shop-web", back.provider_id, actor="chioma")
    portal.wait_until_it_serves("shop-web", back)
    portal.read()
    portal.read()

    assert sorted(actions()) == ["promotion outside the portal", "rollback left outside the portal"]
    assert all("chioma" in entry.actor_name for entry in outside())


def test_a_domain_that_was_moved_by_hand_is_told(portal: Portal) -> None:
    portal.read()
    target = portal.candidate(portal.web)
    portal.world.somebody_moves_domain("shop-web", "www.shop.example.com", target.provider_id, actor="chioma")
    portal.read()
    portal.read()

    (entry,) = outside()
    assert entry.action == "domains moved outside the portal"
    assert "www.shop.example.com" in entry.message
    assert target.short_sha in entry.message


@pytest.mark.parametrize("events", [True, False])
def test_a_changed_setting_is_told_once_with_and_without_events(portal: Portal, events: bool) -> None:
    if not events:
        no_events(portal)
    portal.world.somebody_sets_auto_deploy("shop-api", "off")
    portal.read()
    portal.sandbox.faults.clear()
    Service.objects.update(events_tried_at=None)
    portal.read()
    portal.read()

    (entry,) = outside()
    assert entry.action == "automatic deploys changed outside the portal"
    assert (entry.before["auto_deploy"], entry.after["auto_deploy"]) == ("checksPass", "off")


@BOTH
def test_a_changed_environment_variable_is_told_with_who_changed_it(portal: Portal, name: str) -> None:
    portal.read()
    service = portal.service(name)
    portal.world.somebody_changes_environment(service.name, actor="chioma")
    Service.objects.update(events_tried_at=None)
    portal.read()
    portal.world.settle()
    portal.read()
    portal.read()

    told = [
        entry for entry in outside() if entry.action == "environment variables changed outside the portal"
    ]
    assert len(told) == 1
    assert "chioma" in told[0].actor_name


@BOTH
@pytest.mark.parametrize("how", ["forbidden", "not_json", "error"])
def test_without_events_a_rollback_is_told_with_an_unknown_actor(portal: Portal, name: str, how: str) -> None:
    no_events(portal, how)
    service, target = portal.service(name), portal.candidate(portal.service(name))
    portal.world.somebody_rolls_back(service.name, target.provider_id, actor="chioma")
    portal.wait_until_it_serves(service.name, target)
    portal.read()
    portal.sandbox.faults.clear()
    Service.objects.update(events_tried_at=None)
    portal.read()

    told = [entry for entry in outside() if entry.action == "rollback outside the portal"]
    assert [entry.actor_name for entry in told] == ["somebody outside the portal"]
    pin = Pin.objects.standing().get()
    assert (pin.pinned_by, pin.auto_deploy_before) == (
        "somebody outside the portal",
        "checksPass" if name == "render" else "on",
    )


@BOTH
@pytest.mark.parametrize("trouble", ["", "drop_after", "slow"])
def test_the_portals_own_acts_are_never_told_as_outside(portal: Portal, name: str, trouble: str) -> None:
    if trouble:
        portal.sandbox.faults.add(Fault(on=f"{name}.rollback", do=trouble, seconds=0.1))
    portal.stop_errors(name)
    later = portal.service(name).live
    portal.roll_back(name)
    portal.read()
    portal.finish(portal.ask(portal.service(name), later, OperationKind.LEAVE))
    portal.read()
    Service.objects.update(events_tried_at=None)
    portal.read()

    assert outside() == []


@BOTH
@pytest.mark.parametrize("hours", [-1, 1])
def test_no_clock_hides_an_act_or_makes_the_portals_own_look_like_one(
    portal: Portal, name: str, hours: int
) -> None:
    service, clock = portal.service(name), portal.world.clock
    portal.world.clock = lambda: clock() + timedelta(hours=hours)
    portal.roll_back(name)
    portal.finish(portal.ask(portal.service(name), None, OperationKind.LEAVE))
    pushed = portal.world.somebody_pushes(service.name, message="Break the checkout")
    served(portal, pushed)
    target = portal.candidate(portal.service(name))
    portal.world.somebody_rolls_back(service.name, target.provider_id, actor="chioma")
    portal.wait_until_it_serves(service.name, target)
    portal.read()
    Service.objects.update(events_tried_at=None)
    portal.read()

    told = [one for one in actions() if one != "automatic deploys changed outside the portal"]
    assert told == ["deployment went live", "rollback outside the portal"]
    assert "chioma" in Pin.objects.standing().get().pinned_by


def test_after_leaving_with_automatic_deploys_off_nothing_is_pinned_anew(portal: Portal) -> None:
    portal.roll_back("render")
    plan = portal.plan(portal.api, None, OperationKind.LEAVE)
    assert plan.pin is not None
    left = portal.finish(portal.ask(portal.api, None, OperationKind.LEAVE, keep_auto_deploy_off=True))

    portal.read()
    portal.read()

    assert left.status == "succeeded", left.message
    assert "stay off" in left.message
    assert portal.api.auto_deploy == "off"
    assert not Pin.objects.standing().exists()
    assert outside() == []


def test_a_late_entry_says_when_it_was_learned(portal: Portal, viewer: Any) -> None:
    pushed = portal.world.somebody_pushes("shop-api", message="Break the checkout")
    served(portal, pushed)
    (entry,) = outside()
    page = viewer.get("/audit/").content.decode()
    assert "learned at" not in page
    act = OutsideAct.objects.get(identity=f"deploy {pushed.id}")
    assert act.happened_at == entry.happened_at


def test_the_database_keeps_each_act_single(portal: Portal) -> None:
    pushed = portal.world.somebody_pushes("shop-api")
    served(portal, pushed)
    act = OutsideAct.objects.get(identity=f"deploy {pushed.id}")
    act.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        act.save(force_insert=True)
