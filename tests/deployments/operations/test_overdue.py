"""A move that Vercel accepts and does not finish: nobody has to wait for longer than twice its usual time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from deployments.models import Change, Pin
from deployments.operations import requests
from deployments.operations.overdue import NotOverdue, overdue_since, stop_waiting
from deployments.pages import status_text
from deployments.sandbox.clock import utcnow
from deployments.sandbox.server.faults import Fault
from rollback_portal.audit.models import AuditEntry, Outcome
from rollback_portal.audit.record import Actor
from tests.deployments.conftest import BOTH, Portal

LONGER_THAN_EVER = {"render": timedelta(seconds=141), "vercel": timedelta(seconds=11)}


def stuck(portal: Portal, name: str, seconds: float | None = None) -> Change:
    """A rollback that has been accepted, and takes more than twice the usual time by now."""
    service = portal.service(name)
    portal.sandbox.faults.add(Fault(f"{name}.rollback", "stuck", seconds=seconds))
    change = portal.run(portal.ask(service, portal.candidate(service)))
    assert change.status == "accepted", change.message
    sent = timezone.now() - LONGER_THAN_EVER[name]
    Change.objects.filter(pk=change.pk).update(order_intent_at=sent)
    return Change.objects.shown().get(pk=change.pk)


def page_of(change: Change, client: Client) -> str:
    return client.get(change.operation.get_absolute_url()).content.decode()


def test_within_twice_the_usual_time_nothing_is_offered(portal: Portal) -> None:
    change = stuck(portal, "vercel")
    Change.objects.filter(pk=change.pk).update(order_intent_at=timezone.now() - timedelta(seconds=9))
    change = Change.objects.shown().get(pk=change.pk)

    assert overdue_since(change, timezone.now()) is None
    with pytest.raises(NotOverdue):
        stop_waiting(Actor.of(portal.ana), change)
    assert Change.objects.get(pk=change.pk).status == "accepted"


@BOTH
def test_the_page_says_how_long_it_usually_takes_and_offers_every_way_out(
    portal: Portal, name: str, client_as: Callable[..., Client]
) -> None:
    page = page_of(stuck(portal, name), client_as(portal.ana))

    usual = "55–70 s" if name == "render" else "2–5 s"
    assert f"that usually takes {usual}." in page
    for way in ("Stop waiting", "It was applied", "It was not applied", "by-hand"):
        assert way in page, way
    assert "NO DISPATCHER" not in page


@BOTH
def test_whoever_stops_waiting_frees_the_service_at_once_and_can_settle(
    portal: Portal, name: str, client_as: Callable[..., Client]
) -> None:
    change = stuck(portal, name)
    client = client_as(portal.ana)

    client.post(f"{change.operation.get_absolute_url()}stop-waiting/")

    change = Change.objects.shown().get(pk=change.pk)
    assert (change.status, change.lease_owner) == ("needs_attention", None)
    entry = AuditEntry.objects.get(operation=change.operation_id, action="stopped waiting")
    assert (entry.actor_name, entry.outcome) == ("Ana Ruiz", Outcome.UNCLEAR)
    assert requests.active_change(portal.service(name)) is None
    page = page_of(change, client)
    assert "It was applied" in page
    assert "by-hand" in page
    assert len(portal.posts()) == 1


def test_a_viewer_cannot_stop_it(portal: Portal, client_as: Callable[..., Client]) -> None:
    change = stuck(portal, "vercel")
    assert client_as("viewer").post(f"{change.operation.get_absolute_url()}stop-waiting/").status_code == 403
    assert Change.objects.get(pk=change.pk).status == "accepted"


@pytest.mark.parametrize(("answer", "status"), [("yes", "serving"), ("no", "failed")])
def test_it_can_be_settled_without_waiting_for_an_end(
    portal: Portal, client_as: Callable[..., Client], answer: str, status: str
) -> None:
    change = stuck(portal, "vercel")

    client_as(portal.ana).post(f"{change.operation.get_absolute_url()}settle/", {"applied": answer})

    change = Change.objects.get(pk=change.pk)
    assert (change.status, change.lease_owner) == (status, None)


@pytest.mark.parametrize("off", [timedelta(hours=1), -timedelta(hours=1)], ids=["ahead", "behind"])
def test_the_clock_of_the_machine_that_draws_the_page_does_not_decide_whether_it_is_overdue(
    portal: Portal, client_as: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, off: timedelta
) -> None:
    change, client = stuck(portal, "vercel"), client_as(portal.ana)
    monkeypatch.setattr(timezone, "now", lambda: utcnow() + off)
    assert "Stop waiting" in page_of(change, client)

    Change.objects.filter(pk=change.pk).update(order_intent_at=utcnow() - timedelta(seconds=1))
    assert "Stop waiting" not in page_of(change, client)


def test_what_was_settled_as_applied_and_is_not_served_fails(portal: Portal) -> None:
    portal.settings.SERVE_SECONDS = 0
    change = stuck(portal, "vercel")
    requests.settle_by_hand(Actor.of(portal.ana), change, applied=True)

    change = portal.finish(change)

    assert change.status == "failed", change.message
    assert "users get something else" in change.message


def test_a_worker_that_follows_it_writes_nothing_more(portal: Portal) -> None:
    change = stuck(portal, "vercel")
    stop_waiting(Actor.of(portal.ana), change)

    assert portal.run(change).status == "needs_attention"


@pytest.mark.parametrize("settled", [False, True])
def test_a_move_that_completes_later_is_told_as_the_portals_own_and_late(
    portal: Portal, settled: bool
) -> None:
    change = stuck(portal, "vercel", seconds=600)
    stop_waiting(Actor.of(portal.ana), change)
    if settled:
        requests.settle_by_hand(Actor.of(portal.ana), change, applied=False)
    portal.read()
    assert not AuditEntry.objects.filter(action="took effect late").exists()
    assert change.to_deployment is not None
    for step in portal.world.steps:
        step.at = portal.world.now()
    portal.wait_until_it_serves("shop-web", change.to_deployment)

    for _ in range(3):  # told once, however often it is read
        portal.read()

    late = AuditEntry.objects.get(action="took effect late")
    assert (late.operation, late.after["live"]) == (change.operation_id, str(change.to_deployment))
    assert not AuditEntry.objects.filter(action="rollback outside the portal").exists()
    change = Change.objects.shown().get(pk=change.pk)
    assert "after the operation had ended" in status_text.headline(change)
    assert status_text.badge_of(change, timezone.now()).word == (
        "TOOK EFFECT LATE" if settled else "NEEDS A PERSON"
    )
    assert Pin.objects.standing().filter(service=change.service).exists()


def test_a_later_rollback_to_the_same_target_is_not_called_a_late_one(portal: Portal) -> None:
    change = stuck(portal, "vercel")
    stop_waiting(Actor.of(portal.ana), change)
    portal.world.service("shop-web").alias_request.status = "failed"
    again = portal.finish(portal.ask(portal.web, change.to_deployment))
    assert again.status == "succeeded", again.message
    portal.read()

    assert not AuditEntry.objects.filter(action="took effect late").exists()
