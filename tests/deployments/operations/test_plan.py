"""What a person sees of an operation before confirming it."""

from __future__ import annotations

from deployments.models import OperationKind
from tests.deployments.conftest import Portal


def test_the_render_plan_switches_automatic_deploys_off_first(portal: Portal) -> None:
    plan = portal.plan(portal.api, portal.candidate(portal.api))

    assert [step.status for step in plan.steps] == ["pinning", "sending", "accepted", "serving"]
    assert plan.title.startswith("Roll back API to ")
    assert any("Automatic deploys go off" in line for line in plan.also)


def test_the_vercel_plan_says_which_domains_move_and_that_new_pushes_stay_staged(portal: Portal) -> None:
    plan = portal.plan(portal.web, portal.candidate(portal.web))

    assert [step.status for step in plan.steps] == ["sending", "accepted", "serving"]
    assert any("shop.example.com" in line for line in plan.also)
    assert any("stay staged" in line for line in plan.also)


def test_the_commits_that_go_are_named(portal: Portal) -> None:
    plan = portal.plan(portal.api, portal.candidate(portal.api))
    live = portal.api.live

    assert live is not None
    assert live.commit_sha in [commit.sha for commit in plan.commits]
    assert portal.candidate(portal.api).commit_sha not in [commit.sha for commit in plan.commits]


def test_leaving_names_what_automatic_deploys_go_back_to(portal: Portal) -> None:
    portal.world.somebody_sets_auto_deploy("shop-api", "checksPass")
    portal.read()
    portal.roll_back("render")

    plan = portal.plan(portal.api, None, OperationKind.LEAVE)

    assert "after checks pass" in plan.steps[-1].message
    assert plan.ineligible_reason == ""


def test_there_is_nothing_to_leave_without_a_pin(portal: Portal) -> None:
    assert "no rollback to leave" in portal.plan(portal.api, None, OperationKind.LEAVE).ineligible_reason
