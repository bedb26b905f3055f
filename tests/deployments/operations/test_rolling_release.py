"""A rolling release at Vercel: shown, aborted and completed, also where an answer was lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from deployments.models import Change, Deployment, OperationKind, Pin
from deployments.operations import eligibility
from deployments.operations.previous import previous
from deployments.sandbox.server.faults import Fault
from rollback_portal.audit.models import AuditEntry
from tests.deployments.conftest import Portal

FOR_EVER = 600.0  # seconds until the release completes by itself
LOST = pytest.mark.parametrize("fault", ["drop_before", "drop_after", "error", "error_after", "not_json"])


@pytest.fixture
def canary(portal: Portal) -> Deployment:
    """A new build that gets 10% of the requests; what was live is its base."""
    portal.world.somebody_sets_auto_deploy("shop-web", "off")
    pushed = portal.world.somebody_pushes("shop-web")
    _read_until(portal, pushed.id, staged=True)
    portal.world.somebody_starts_rolling_release("shop-web", pushed.id, FOR_EVER)
    portal.read()
    return portal.web.deployments.get(provider_id=pushed.id)


def _read_until(portal: Portal, provider_id: str, **state: bool) -> Deployment:
    for _ in range(200):
        portal.read()
        row = portal.web.deployments.filter(provider_id=provider_id, **state).first()
        if row is not None:
            return row
    raise AssertionError(f"{provider_id} never was {state}")


def base(portal: Portal) -> Deployment:
    live = portal.web.live
    assert live is not None
    live.service = portal.web
    return live


def test_the_base_is_live_and_previous_and_the_canary_is_marked_with_its_share(
    portal: Portal, canary: Deployment, client_as: Callable[..., Client]
) -> None:
    assert previous(portal.web) == base(portal)
    for address in ("/", "/services/shop-web/"):
        page = client_as(portal.ana).get(address).content.decode()
        for words in (
            "ROLLING RELEASE",
            "CANARY",
            "10% of the requests, stage 1 of 2",
            "the base of a rolling",
        ):
            assert words in page, words
        assert "Abort: everybody back" in page
        assert "Complete: everybody to" in page


def test_a_viewer_sees_it_and_may_not_end_it(
    portal: Portal, canary: Deployment, client_as: Callable[..., Client]
) -> None:
    page = client_as("viewer").get("/").content.decode()
    assert "10% of the requests" in page
    assert "Aborting and completing need the role" in page


def test_the_canarys_answers_are_no_contradiction_and_nothing_is_green(
    portal: Portal, canary: Deployment, client_as: Callable[..., Client]
) -> None:
    assert not portal.web.live_is_disputed
    page = client_as(portal.ana).get("/services/shop-web/").content.decode()
    card = page[page.index('<article class="card"') :]
    assert 'data-tone="good"' not in card[: card.index("</article>")]


def test_aborting_brings_everybody_back_to_the_base_and_pins_it(portal: Portal, canary: Deployment) -> None:
    target = base(portal)
    assert eligibility.button_text(target) == "Abort: everybody back to this"

    change = portal.finish(portal.ask(portal.web, target))

    assert change.status == "succeeded", change.message
    assert (change.from_deployment, change.to_deployment) == (canary, target)
    assert "Abort the rolling release" in change.operation.plan["title"]
    assert portal.world.service("shop-web").rolling["state"] == "ABORTED"
    assert portal.web.release is None
    pin = Pin.objects.standing().get(service=portal.web)
    assert (pin.deployment, pin.rolled_back_from) == (target, canary)
    assert AuditEntry.objects.filter(operation=change.operation_id, action="rollback done").exists()
    assert [row["kind"] for row in portal.posts()] == ["rollback"]


def test_completing_gives_everybody_the_canary(portal: Portal, canary: Deployment) -> None:
    canary.service = portal.web
    assert eligibility.operation_kind_for(canary) == OperationKind.PROMOTE

    change = portal.finish(portal.ask(portal.web, canary, OperationKind.PROMOTE))

    assert change.status == "succeeded", change.message
    assert portal.world.serving("shop-web").id == canary.provider_id
    assert (portal.web.live, portal.web.release) == (canary, None)
    assert [row["kind"] for row in portal.posts()] == ["complete"]


@LOST
def test_an_abort_whose_answer_was_lost_is_read_back_by_the_release(
    portal: Portal, canary: Deployment, fault: str
) -> None:
    portal.sandbox.faults.add(Fault("vercel.rollback", fault))

    change = portal.finish(portal.ask(portal.web, base(portal)))

    assert change.status == "succeeded", change.message
    assert sum(row["applied"] for row in portal.posts()) == 1
    assert portal.world.service("shop-web").rolling["state"] == "ABORTED"


def test_an_abort_that_did_not_arrive_is_no_success_while_the_release_cannot_be_read(
    portal: Portal, canary: Deployment
) -> None:
    """The domains point to the base before and after an abort."""
    portal.settle_for(5)
    portal.sandbox.faults.add(Fault("vercel.rollback", "drop_before"))
    change = portal.run(portal.ask(portal.web, base(portal)))
    portal.sandbox.faults.add(Fault("vercel.rolling", "error", times=None))
    Change.objects.update(not_before=None)

    change = portal.run(change)

    assert (change.status, change.resends) == ("unclear", 0), change.message
    portal.settle_for(0)
    portal.sandbox.faults.clear()
    change = portal.finish(change)
    assert (change.outcome, change.resends) == ("succeeded", 1), change.message
    assert portal.world.service("shop-web").rolling["state"] == "ABORTED"


def test_an_abort_without_the_right_to_read_releases_is_never_called_a_success_unseen(
    portal: Portal, canary: Deployment
) -> None:
    portal.settings.VERSION_HEADER = "X-Other"
    portal.sandbox.faults.add(
        Fault("vercel.rolling", "forbidden", times=None), Fault("vercel.rollback", "drop_before")
    )

    change = portal.run(portal.ask(portal.web, base(portal)))

    assert (change.status, len(portal.posts())) == ("unclear", 1), change.message


@LOST
def test_a_completion_whose_answer_was_lost_is_read_back_by_the_release(
    portal: Portal, canary: Deployment, fault: str
) -> None:
    portal.sandbox.faults.add(Fault("vercel.rolling.complete", fault))

    change = portal.finish(portal.ask(portal.web, canary, OperationKind.PROMOTE))

    assert change.status == "succeeded", change.message
    assert sum(row["applied"] for row in portal.posts()) == 1


def test_a_completion_that_has_begun_to_move_the_domains_is_not_sent_again(
    portal: Portal, canary: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(project: Any, at: Any) -> None:
        target = portal.world.deployments[canary.provider_id]
        portal.world.vercel.request("promote", project, target, outcome="stuck")

    monkeypatch.setattr(portal.world.vercel.rolling, "complete", begin)
    portal.sandbox.faults.add(Fault("vercel.rolling.complete", "drop_after"))

    change = portal.run(portal.ask(portal.web, canary, OperationKind.PROMOTE))

    assert (change.status, change.resends, len(portal.posts())) == ("unclear", 0, 1), change.message
    assert portal.world.service("shop-web").rolling["state"] == "ACTIVE"


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
def test_a_promotion_during_a_release_is_queued_and_never_sent_twice(
    portal: Portal, canary: Deployment, fault: str
) -> None:
    pushed = portal.world.somebody_pushes("shop-web")
    other = _read_until(portal, pushed.id, staged=True)
    portal.sandbox.faults.add(Fault("vercel.promote", fault))

    change = portal.run(portal.ask(portal.web, other, OperationKind.PROMOTE))

    assert len(portal.posts()) == 1
    assert change.status == ("unclear" if fault == "drop_before" else "accepted"), change.message
    portal.world.vercel.rolling.complete(portal.world.service("shop-web"), portal.world.now())
    if fault == "drop_after":
        assert portal.finish(change).status == "succeeded"


def test_a_promotion_that_stays_queued_too_long_says_what_it_waits_for(
    portal: Portal, canary: Deployment
) -> None:
    portal.settings.FOLLOW_SECONDS = 0
    other = _read_until(portal, portal.world.somebody_pushes("shop-web").id, staged=True)

    change = portal.finish(portal.ask(portal.web, other, OperationKind.PROMOTE))

    assert change.status == "needs_attention"
    assert "it starts when the rolling release has ended" in change.message


def test_a_release_that_ended_meanwhile_changes_nothing(portal: Portal, canary: Deployment) -> None:
    change = portal.ask(portal.web, base(portal))
    portal.world.vercel.rolling.abort(portal.world.service("shop-web"))

    change = portal.finish(change)

    assert change.status == "failed", change.message
    assert "a rolling release has started or ended" in change.message
    assert portal.posts() == []


def test_a_release_that_cannot_be_read_stays_as_it_was(portal: Portal, canary: Deployment) -> None:
    portal.sandbox.faults.add(Fault("vercel.rolling", "forbidden", times=None))

    portal.read()

    assert portal.web.release is not None
    assert portal.web.read_failures == 0


def test_a_release_that_cannot_be_read_any_more_has_ended_once_its_base_is_not_live(
    portal: Portal, canary: Deployment
) -> None:
    first = base(portal)
    portal.sandbox.faults.add(Fault("vercel.rolling", "forbidden", times=None))
    portal.world.vercel.rolling.complete(portal.world.service("shop-web"), portal.world.now())
    portal.world.settle()
    portal.read()

    assert (portal.web.live, portal.web.release) == (canary, None)
    assert previous(portal.web) == first
    plan = portal.plan(portal.web, portal.candidate(portal.web))
    assert (plan.ineligible_reason, "Abort" in plan.title) == ("", False)
    assert portal.roll_back("vercel").outcome == "succeeded"
    assert portal.web.live == first


def test_a_release_without_its_time_in_one_answer_is_the_same_release(
    portal: Portal, canary: Deployment
) -> None:
    change = portal.ask(portal.web, base(portal))
    portal.sandbox.faults.add(Fault("vercel.rolling", "omit", times=1, detail="rollingRelease.startedAt"))

    change = portal.finish(change)

    assert change.outcome == "succeeded", change.message
    assert portal.world.service("shop-web").rolling["state"] == "ABORTED"


def test_a_release_that_never_tells_its_time_can_be_aborted_after_a_lost_answer(
    portal: Portal, canary: Deployment
) -> None:
    change = portal.ask(portal.web, base(portal))
    portal.sandbox.faults.add(
        Fault("vercel.rolling", "omit", times=None, detail="rollingRelease.startedAt"),
        Fault("vercel.rollback", "drop_after"),
    )

    change = portal.finish(change)

    assert change.outcome == "succeeded", change.message
    assert sum(row["applied"] for row in portal.posts()) == 1


def test_a_project_without_rolling_releases_is_not_asked(portal: Portal) -> None:
    portal.sandbox.faults.add(Fault("vercel.rolling", "error"))
    portal.read()
    assert [fault["on"] for fault in portal.sandbox.faults.to_json()] == ["vercel.rolling"]
