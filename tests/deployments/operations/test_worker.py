"""Operations from end to end: from the request to the provider, through the real clients."""

from __future__ import annotations

import time
from datetime import timedelta
from threading import Event, current_thread, main_thread
from typing import Any

import pytest

from deployments.clients import provider
from deployments.models import Change, Deployment, OperationKind, Pin
from deployments.operations import worker
from deployments.operations.steps import send_order
from deployments.operations.steps.context import GIVE_UP_AFTER
from deployments.sandbox.server.transport import SandboxTransport
from rollback_portal.jobs import clock, lease
from tests.deployments.conftest import BOTH, Portal

PATIENCE = 20.0  # seconds; far more than a busy machine needs


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


@pytest.mark.django_db(transaction=True)
def test_a_step_keeps_its_lease_however_long_the_provider_takes_to_answer(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed, renew, answer = Event(), lease.Lease.renew, SandboxTransport.handle_request

    def noted(self: Any, **fields: Any) -> bool:
        kept = renew(self, **fields)
        if current_thread() is not main_thread():
            renewed.set()
        return kept

    def slow(self: Any, request: Any) -> Any:
        assert renewed.wait(PATIENCE), "nobody renewed the lease meanwhile"
        return answer(self, request)

    monkeypatch.setattr(lease, "RENEW_EVERY", 0.01)
    monkeypatch.setattr(lease.Lease, "renew", noted)
    change = portal.ask(portal.api, portal.candidate(portal.api))
    monkeypatch.setattr(SandboxTransport, "handle_request", slow)

    change = portal.finish(change)

    assert (change.outcome, len(portal.posts())) == ("succeeded", 1), change.message


def test_an_order_under_way_and_a_step_that_has_stalled_do_not_keep_their_lease(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = portal.claimed("render").change
    may_not_last = worker._may_not_last(change)
    assert not may_not_last()
    change.status = "sending"
    assert may_not_last()
    change.status = "unclear"
    monkeypatch.setattr(worker, "LONGEST_STEP", -1)
    assert worker._may_not_last(change)()


@BOTH
def test_an_error_that_nobody_foresaw_is_tried_again_and_ends_with_a_person(
    portal: Portal, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unforeseen(*args: Any) -> None:
        raise KeyError("phase")

    monkeypatch.setattr(type(provider(name)), "progress", unforeseen)
    change = portal.run(portal.ask(portal.service(name), portal.candidate(portal.service(name))))
    assert change.status == "accepted"
    assert "an error that nobody foresaw (KeyError)" in change.message

    Change.objects.update(order_intent_at=clock.now() - GIVE_UP_AFTER, not_before=None)
    change = portal.run(change)

    assert (change.status, len(portal.posts())) == ("needs_attention", 1), change.message


@BOTH
def test_an_order_in_which_an_error_was_met_that_nobody_foresaw_is_looked_up_and_not_sent_again(
    portal: Portal, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = type(provider(name)).roll_back

    def unforeseen(*args: Any, **options: Any) -> None:
        order(*args, **options)
        raise KeyError("id")

    monkeypatch.setattr(type(provider(name)), "roll_back", unforeseen)
    monkeypatch.setattr(send_order, "LONGEST_CALL", timedelta())

    change = portal.roll_back(name)

    assert (change.outcome, len(portal.posts())) == ("succeeded", 1), change.message
    assert "unclear" in change.status_times
