"""Every fault that the sandbox can play, on both providers: never a second order, never a false success."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.models import Change, Pin, Service
from deployments.pages import status_text
from deployments.sandbox.server.faults import Fault
from tests.deployments.conftest import Portal

BOTH = pytest.mark.parametrize("name", ["render", "vercel"])

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


def test_a_refusal_puts_automatic_deploys_back(portal: Portal) -> None:
    portal.sandbox.faults.add(Fault(on="render.rollback", do="missing"))

    before = portal.api.auto_deploy
    change = portal.roll_back("render")

    assert change.status == "failed"
    assert portal.api.auto_deploy == before
    assert "again" in change.message


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


@BOTH
def test_a_success_that_nobody_could_check_from_outside_says_so(portal: Portal, name: str) -> None:
    Service.objects.update(addresses=[], addresses_customized=True)

    change = portal.roll_back(name)

    assert (change.status, change.unchecked) == ("succeeded", True)
    assert "nobody was asked" in change.message
    assert status_text.badge_of(change).tone == "warn"
