"""What a person is shown before they confirm, and what happens when the world moved meanwhile."""

from __future__ import annotations

import pytest

from deployments.models import Kind
from deployments.operations import plan_token
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


def test_a_token_is_good_for_its_own_form_only(portal: Portal) -> None:
    target = portal.candidate(portal.api)
    token = portal.plan(portal.api, target).token

    assert plan_token.read_token(token, Kind.ROLL_BACK, portal.api, target)["target"] == target.pk
    with pytest.raises(plan_token.BadToken, match="another deployment"):
        plan_token.read_token(token, Kind.ROLL_BACK, portal.api, portal.api.live)
    with pytest.raises(plan_token.BadToken, match="did not come whole"):
        plan_token.read_token(token[:-2], Kind.ROLL_BACK, portal.api, target)


def test_a_world_that_moved_is_told_in_sentences(portal: Portal) -> None:
    then = plan_token.read_token(
        portal.plan(portal.api, portal.candidate(portal.api)).token,
        Kind.ROLL_BACK,
        portal.api,
        portal.candidate(portal.api),
    )["world"]
    assert plan_token.differences(then, portal.api) == []

    portal.roll_back("render")

    said = " ".join(plan_token.differences(then, portal.api))
    assert "Live was" in said
    assert "Automatic deploys were" in said


def test_leaving_names_what_automatic_deploys_go_back_to(portal: Portal) -> None:
    portal.world.somebody_sets_automatic("shop-api", "checksPass")
    portal.read()
    portal.roll_back("render")

    plan = portal.plan(portal.api, None, Kind.LEAVE)

    assert "after checks pass" in plan.steps[-1].message
    assert plan.why_not == ""


def test_there_is_nothing_to_leave_without_a_pin(portal: Portal) -> None:
    assert "no rollback to leave" in portal.plan(portal.api, None, Kind.LEAVE).why_not
