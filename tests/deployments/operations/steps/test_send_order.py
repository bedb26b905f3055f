"""The order that changes traffic: sent once, and looked up where no answer came; never a second one."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from deployments.models import Change
from deployments.operations.steps.send_order import (
    commit_intent,
    look_up_order,
    new_order_record,
    send,
    stored_order_record,
)
from deployments.providers.base import DeploymentPage, Unreadable
from deployments.sandbox.server.faults import Fault
from rollback_portal.audit.models import AuditEntry
from tests.deployments.conftest import BOTH, Portal, die

# Fault on the order -> the final statuses that are true after it.
ON_THE_CALL = {
    "slow": {"succeeded"},
    "rate_limit": {"succeeded"},
    "error": {"succeeded"},
    "error_after": {"succeeded"},
    "unauthorized": {"failed"},
    "forbidden": {"failed"},
    "plan": {"failed"},
    "conflict": {"failed"},
    "missing": {"failed"},
    "gone": {"failed"},
    "drop_before": {"succeeded"},
    "drop_after": {"succeeded"},
    "refuse_connection": {"succeeded"},
    "not_json": {"succeeded"},
    "fail": {"failed"},
    "queue_behind": {"succeeded"},
}


@BOTH
@pytest.mark.parametrize("fault", ON_THE_CALL)
def test_a_fault_on_the_order_never_repeats_it_and_never_reports_a_false_result(
    portal: Portal, name: str, fault: str
) -> None:
    service = portal.service(name)
    target, before = portal.candidate(service), portal.world.serving(service.name).commit
    portal.sandbox.faults.add(Fault(on=f"{name}.rollback", do=fault, seconds=1.0))

    change = portal.finish(portal.ask(service, target))

    assert change.status in ON_THE_CALL[fault], change.message
    assert sum(post["applied"] for post in portal.posts()) <= 1
    serves = portal.world.serving(service.name).commit
    assert serves == (target.commit_sha if change.status == "succeeded" else before)
    assert change.message


@BOTH
@pytest.mark.parametrize("fault", ["error", "error_after", "drop_before", "drop_after", "not_json", "slow"])
def test_after_a_lost_answer_the_order_is_looked_up_first(portal: Portal, name: str, fault: str) -> None:
    service = portal.service(name)
    portal.sandbox.faults.add(Fault(on=f"{name}.rollback", do=fault, seconds=20.0))

    change = portal.finish(portal.ask(service, portal.candidate(service)))

    assert change.status == "succeeded", change.message
    assert [post["applied"] for post in portal.posts()].count(True) == 1


@BOTH
def test_an_order_that_got_lost_twice_is_not_sent_a_third_time(portal: Portal, name: str) -> None:
    service = portal.service(name)
    portal.sandbox.faults.add(Fault(on=f"{name}.rollback", do="drop_before", times=None))

    change = portal.finish(portal.ask(service, portal.candidate(service)))

    assert (change.status, len(portal.posts())) == ("failed", 2), change.message
    assert portal.service(name).auto_deploy == change.auto_deploy_before


@BOTH
def test_an_order_is_not_sent_again_where_somebody_else_moved_something(portal: Portal, name: str) -> None:
    service = portal.service(name)
    target, live = portal.candidate(service), service.live
    assert live is not None
    rows = service.deployments.filter(served=True, production=True, status__in=["retired", "ready"])
    rows = rows.exclude(commit_sha__in=[target.commit_sha, live.commit_sha, ""])
    other = rows.order_by("-created_at")[1]
    portal.sandbox.faults.add(Fault(on=f"{name}.rollback", do="drop_before"))
    change = portal.ask(service, target)
    portal.settle_for(30)
    assert portal.run(change).status == "unclear"
    portal.world.somebody_rolls_back(service.name, other.provider_id)
    portal.wait_until_it_serves(service.name, other)
    portal.settle_for(0)

    Change.objects.filter(pk=change.pk).update(not_before=None)
    change = portal.run(change)

    assert (change.status, change.resends) in [("unclear", 0), ("failed", 0), ("needs_attention", 0)]
    assert portal.world.serving(service.name).commit == other.commit_sha


def test_already_current_is_a_success(portal: Portal) -> None:
    target = portal.candidate(portal.web)
    change = portal.ask(portal.web, target)
    portal.world.somebody_rolls_back("shop-web", target.provider_id)
    portal.wait_until_it_serves("shop-web", target)

    change = portal.finish(change)

    assert change.status == "succeeded", change.message
    assert portal.world.serving("shop-web").commit == target.commit_sha


def test_already_current_is_not_believed_while_something_else_is_live(portal: Portal) -> None:
    portal.sandbox.faults.add(Fault(on="vercel.rollback", do="already_current"))

    change = portal.roll_back("vercel")

    assert change.status == "failed", change.message
    assert "Nothing was put in front of users" in change.message


def test_the_intent_keeps_how_the_domains_had_last_moved(portal: Portal) -> None:
    """That move must not be mistaken for a newer one, even if it falls into the second of the order."""
    portal.finish(portal.ask(portal.web, portal.candidate(portal.web)))
    held = portal.claimed("vercel")
    current = held.provider.current(portal.web.provider_id)
    commit_intent(held, new_order_record(held, current))

    kept = stored_order_record(Change.objects.get(pk=held.change.pk)).last_move

    assert current.alias_request is not None
    assert kept == current.alias_request.identity


@BOTH
def test_an_order_that_shows_up_before_it_is_sent_again_is_found_and_not_sent_again(
    portal: Portal, name: str
) -> None:
    held = portal.claimed(name)
    service, target = held.change.service, held.change.to_deployment
    assert target is not None
    order_record = new_order_record(held, held.provider.current(service.provider_id))
    if name == "render":
        held.advance("pinning", order_record=order_record, auto_deploy_before=service.auto_deploy)
        held.provider.pin(service.provider_id)
    commit_intent(held, order_record)
    held.advance("unclear")
    look_up_order(held)
    assert (held.change.status, held.change.resends) == ("queued", 1)
    held.provider.roll_back(service.provider_id, target.provider_id, reason="500s on checkout")

    change = portal.finish(die(held))

    assert (change.status, len(portal.posts())) == ("succeeded", 1), change.message


@pytest.mark.parametrize("do", ["rename", "omit"])
def test_a_pending_move_that_names_no_target_is_not_taken_for_none(portal: Portal, do: str) -> None:
    """Automatic deploys are off already, so that the setting does not show the second rollback."""
    portal.roll_back("vercel")
    portal.read()
    sent = len(portal.posts())
    detail = {"rename": "toDeploymentId=target", "omit": "lastAliasRequest.toDeploymentId"}[do]
    portal.sandbox.faults.add(Fault("vercel.rollback", "stuck"), Fault("vercel.rollback", "drop_after"))
    portal.sandbox.faults.add(Fault("vercel.project", do, times=None, detail=detail))

    change = portal.run(portal.ask(portal.web, portal.candidate(portal.web)))

    assert (change.status, len(portal.posts()) - sent) == ("unclear", 1), change.message
    assert change.evidence["last move of the domains"] == "not reported"
    assert "did not arrive" not in change.message


@pytest.mark.parametrize("shown", [0, 1])
def test_a_list_that_ends_without_what_is_live_is_no_record_of_what_was_known(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, shown: int
) -> None:
    """With it, an older rollback to the target would be taken for the order."""
    held = portal.claimed("render")
    current = held.provider.current(portal.api.provider_id)
    listed = held.provider.deployments(portal.api.provider_id).deployments
    others = [deployment for deployment in listed if deployment.id != current.live_id][:shown]
    monkeypatch.setattr(held.provider, "deployments", lambda *_: DeploymentPage(others))

    with pytest.raises(Unreadable, match="lacks what is live"):
        new_order_record(held, current)
    monkeypatch.undo()
    assert portal.finish(die(held)).status == "succeeded"


def test_what_is_live_or_running_is_known_also_where_it_is_older_than_the_list(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = portal.claimed("render")
    current = replace(held.provider.current(portal.api.provider_id), running=("dep-slow",))
    listed = held.provider.deployments(portal.api.provider_id).deployments
    others = [deployment for deployment in listed if deployment.id != current.live_id]
    monkeypatch.setattr(held.provider, "deployments", lambda *_: DeploymentPage(others, "older"))

    known = new_order_record(held, current)["known"]

    assert {current.live_id, "dep-slow", others[0].id} <= set(known)


def test_an_order_that_comes_after_somebodys_promotion_says_that_nothing_is_pinned(portal: Portal) -> None:
    held = portal.claimed("vercel")
    service, target = portal.world.service("shop-web"), held.change.to_deployment
    assert target is not None
    order_record = new_order_record(held, held.provider.current(portal.web.provider_id))
    portal.world.vercel.promote(service, target.provider_id, actor="chioma")
    portal.wait_until_it_serves("shop-web", target)
    until_settled(portal, service)

    send(held, commit_intent(held, order_record))

    assert held.change.status == "serving", held.change.message
    change = portal.finish(die(held))
    assert (change.status, portal.web.standing_pin) == ("succeeded", None), change.message
    for told in (change.message, AuditEntry.objects.get(action="rollback done").message):
        assert "The portal set no pin, and automatic deploys are “on”" in told


def until_settled(portal: Portal, project: Any) -> None:
    """Wait until Vercel calls the last move done."""
    for _ in range(200):
        portal.world.settle()
        if project.alias_request.status == "succeeded":
            return
        time.sleep(0.01)
    raise AssertionError(project.alias_request.status)
