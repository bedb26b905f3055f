"""The setting for automatic deployments, as readings and events tell of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments.models import OperationKind, Pin
from deployments.sandbox.server.faults import Fault
from rollback_portal.audit.models import AuditEntry
from tests.deployments.conftest import Portal


def told() -> list[str]:
    entries = AuditEntry.objects.filter(role="outside the portal").order_by("id")
    return list(entries.values_list("message", flat=True))


def leave_out_the_trigger(portal: Portal) -> None:
    """Render gives only its older yes/no field, in the list as well."""
    for on, field in (("service*", "autoDeployTrigger"), ("services", "service.autoDeployTrigger")):
        portal.sandbox.faults.add(Fault(on=f"render.{on}", do="omit", detail=field, times=None))


def test_a_reading_without_the_finer_setting_tells_of_no_change(portal: Portal) -> None:
    leave_out_the_trigger(portal)
    portal.read()
    assert portal.api.auto_deploy == "checksPass"
    portal.sandbox.faults.clear()

    portal.read()

    assert (portal.api.auto_deploy, told()) == ("checksPass", [])


def test_the_portals_own_setting_is_known_again_by_the_yes_no_field(portal: Portal) -> None:
    portal.roll_back("render")
    leave_out_the_trigger(portal)
    left = portal.finish(portal.ask(portal.api, None, OperationKind.LEAVE))
    portal.read()
    assert (left.status, portal.api.auto_deploy) == ("succeeded", "on"), left.message
    portal.sandbox.faults.clear()

    portal.read()

    assert (portal.api.auto_deploy, told()) == ("checksPass", [])


@pytest.mark.parametrize("after", ["off", "commit"])
def test_a_change_that_the_yes_no_field_can_show_is_told(portal: Portal, after: str) -> None:
    portal.world.somebody_sets_auto_deploy("shop-api", "off" if after == "commit" else "commit")
    portal.read()
    already = len(told())
    leave_out_the_trigger(portal)
    portal.world.somebody_sets_auto_deploy("shop-api", after)

    portal.read()
    portal.read()

    assert len(told()) == already + 1


@pytest.mark.parametrize("pinned", [False, True])
def test_an_event_that_does_not_name_the_new_setting_is_told_once_with_the_one_read(
    portal: Portal, pinned: bool
) -> None:
    if pinned:
        portal.roll_back("render")
        Pin.objects.update(pinned_at=timezone.now() - timedelta(minutes=10))
    else:
        portal.world.somebody_sets_auto_deploy("shop-api", "off")
    portal.read()
    already = len(told())
    portal.sandbox.faults.add(Fault(on="render.events", do="rename", detail="newTrigger=trigger", times=None))
    portal.world.somebody_sets_auto_deploy("shop-api", "commit")

    portal.read()
    portal.read()

    (message,) = told()[already:]
    assert "unknown" not in message
    assert "on every commit" in message
