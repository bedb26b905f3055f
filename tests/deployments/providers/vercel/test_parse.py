"""Parsing Vercel's JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from deployments.providers.base import Current, DeploymentStatus
from deployments.providers.json_fields import EPOCH
from deployments.providers.vercel import events, parse, project_state

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def alias(domain: str, deployment: str | None, **facts: Any) -> dict[str, Any]:
    target = {"id": deployment} if deployment else None
    return {
        "domain": domain,
        "environment": "production",
        "target": "PRODUCTION",
        "deployment": target,
        **facts,
    }


def job(
    to: str = "dpl_old", kind: str = "rollback", status: str = "succeeded", at: datetime = NOW
) -> dict[str, Any]:
    moved = {"fromDeploymentId": "dpl_live", "toDeploymentId": to, "jobStatus": status}
    return {"lastAliasRequest": {**moved, "requestedAt": ms(at), "type": kind}}


def current(*aliases: dict[str, Any], **facts: Any) -> Current:
    return project_state.current({"id": "prj_1", "alias": list(aliases), **facts}, NOW)


def test_a_deployment_with_only_an_id_is_parsed() -> None:
    result = parse.deployment({"uid": "dpl_1"}, "prj_1")
    assert result.id == "dpl_1"
    assert result.status is DeploymentStatus.UNKNOWN
    assert result.created_at == EPOCH
    assert (result.production, result.staged, result.served, result.can_roll_back) == (
        False,
        False,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("state", "substate", "staged", "served"),
    [
        ("READY", "PROMOTED", False, True),
        ("READY", "ROLLING", False, True),
        ("READY", "STAGED", True, False),
        ("READY", "", False, None),
        ("READY", "NOVEL", False, None),
        ("ERROR", "", False, False),
        ("CANCELED", "", False, False),
        ("BUILDING", "", False, False),
        ("BLOCKED", "", False, None),
        ("DELETED", "PROMOTED", False, True),
    ],
)
def test_a_promoted_deployment_was_live_and_a_staged_one_never(
    state: str, substate: str, staged: bool, served: bool | None
) -> None:
    result = parse.deployment({"uid": "dpl_1", "readyState": state, "readySubstate": substate}, "prj_1")
    assert (result.staged, result.served) == (staged, served)
    assert result.raw_status == f"{state} {substate}".strip()


def test_the_list_and_the_single_view_give_the_same_deployment() -> None:
    listed = {"uid": "dpl_1", "state": "READY", "created": ms(NOW), "meta": {"gitlabCommitSha": "abc"}}
    single = {"id": "dpl_1", "status": "READY", "createdAt": ms(NOW), "gitSource": {"sha": "abc"}}
    assert parse.deployment(listed, "prj_1") == parse.deployment(single, "prj_1")


def test_the_author_of_the_commit_comes_before_who_started_the_build() -> None:
    creator = {"uid": "u", "username": "bot", "email": "bot@example.com"}
    written = {"uid": "dpl_1", "creator": creator, "meta": {"githubCommitAuthorName": "Bo Lindqvist"}}
    assert parse.deployment(written, "prj_1").author == "Bo Lindqvist"
    assert parse.deployment({"uid": "dpl_1", "creator": creator}, "prj_1").author == "bot"


@pytest.mark.parametrize("assigned", [None, True, False, "soon"])
def test_an_invalid_alias_time_is_ignored(assigned: object) -> None:
    result = {"uid": "dpl_1", "readyState": "READY", "readySubstate": "PROMOTED", "aliasAssigned": assigned}
    assert parse.deployment(result, "prj_1").live_from is None


@pytest.mark.parametrize(
    ("link", "repository"),
    [
        ({"type": "github", "org": "acme", "repo": "shop"}, "https://github.com/acme/shop"),
        (
            {"type": "github-custom-host", "host": "git.acme.example", "org": "acme", "repo": "shop"},
            "https://git.acme.example/acme/shop",
        ),
        ({"type": "gitlab", "projectUrl": "https://gitlab.com/acme/shop"}, "https://gitlab.com/acme/shop"),
        ({"type": "bitbucket", "owner": "acme", "slug": "shop"}, "https://bitbucket.org/acme/shop"),
        ({"type": "github"}, ""),
        (None, ""),
    ],
)
def test_the_repository_is_a_url_at_its_git_host(link: object, repository: str) -> None:
    assert parse.service({"id": "prj_1", "link": link}).repository == repository


def test_redirects_previews_and_branches_are_no_production_domains() -> None:
    project = {
        "alias": [
            alias("a.example", "dpl_1"),
            alias("www.a.example", None, redirect="a.example"),
            alias("git-main.a.example", "dpl_2", gitBranch="main"),
            alias("preview.example", "dpl_3", environment="preview", target="PREVIEW"),
            {"domain": "older.example", "environment": "production", "deployment": {"id": "dpl_1"}},
            {"environment": "production", "target": "PRODUCTION"},
            "a word",
        ]
    }
    assert [a.domain for a in project_state.production_aliases(project)] == ["a.example", "older.example"]


def test_without_a_list_the_domains_of_the_production_deployment_are_used() -> None:
    project = {
        "id": "prj_1",
        "targets": {"production": {"id": "dpl_1", "alias": ["a.example", 5, "*.a.example"]}},
    }
    assert parse.service(project).addresses == ("https://a.example",)


def test_live_is_where_most_domains_point_and_the_rest_is_a_conflict() -> None:
    result = current(
        alias("a.example", "dpl_1"), alias("b.example", "dpl_1"), alias("c.example", "dpl_2"),
        targets={"production": {"id": "dpl_2"}},
    )  # fmt: skip
    assert result.live_id == "dpl_1"
    assert result.conflict == (
        "Vercel calls dpl_2 its production target, but a.example and b.example point to dpl_1."
    )


@pytest.mark.parametrize("order", [1, -1])
def test_where_as_many_domains_point_elsewhere_live_is_vercels_own_target(order: int) -> None:
    moved = alias("shop.example", "dpl_moved")
    targets = {"production": {"id": "dpl_target"}}
    result = current(*[moved, alias("www.shop.example", "dpl_target")][::order], targets=targets)
    assert result.live_id == "dpl_target"
    assert "shop.example points to dpl_moved" in result.conflict


def test_a_domain_whose_deployment_is_not_named_is_no_conflict() -> None:
    result = current(alias("a.example", None), targets={"production": {"id": "dpl_1"}})
    assert (result.live_id, result.target_id, result.conflict) == ("dpl_1", "dpl_1", "")
    assert project_state.leaves_domains_open(result)


def test_an_empty_project_is_unknown() -> None:
    result = project_state.current({"id": "prj_1"}, None)
    assert (result.live_id, result.auto_deploy, result.pinned, result.alias_request) == (
        None,
        None,
        None,
        None,
    )
    assert result.conflict


@pytest.mark.parametrize(
    ("facts", "pinned"),
    [
        ({"autoAssignCustomDomains": True, **job()}, False),
        ({"autoAssignCustomDomains": False, **job()}, True),
        ({"autoAssignCustomDomains": False, **job(kind="promote")}, None),
        ({"autoAssignCustomDomains": False, "lastAliasRequest": None}, None),
        ({"autoAssignCustomDomains": False, "rollbackDescription": {"description": "x"}}, True),
        ({"autoAssignCustomDomains": "false", **job()}, None),
        ({**job()}, None),
    ],
)
def test_pinned_needs_the_flag_and_a_rollback(facts: dict[str, Any], pinned: bool | None) -> None:
    assert project_state.pinned(facts) is pinned


@pytest.mark.parametrize(
    "request_",
    [
        None,
        {},
        [],
        {"requestedAt": 1},
    ],
)
def test_an_invalid_last_move_gives_none(request_: object) -> None:
    assert project_state.alias_request({"lastAliasRequest": request_}) is None


def test_failed_domains_come_in_two_shapes() -> None:
    body = {
        "aliases": [
            {"alias": "a.example", "id": "1", "status": "failed"},
            {"alias": {"alias": "b.example", "deploymentId": "dpl_1"}, "id": "2", "status": "failed"},
            {"alias": "c.example", "id": "3", "status": "completed"},
        ]
    }
    assert project_state.failed_aliases(body) == ["a.example", "b.example"]
    assert project_state.failed_aliases({}) == []


def test_events_of_another_project_or_kind_are_left_out() -> None:
    row = {
        "id": "uev_1",
        "type": "instant-rollback-created",
        "createdAt": ms(NOW),
        "payload": {"projectId": "prj_2"},
    }
    assert events.event(row, "prj_1") is None
    assert events.event({**row, "type": "login"}, "prj_2") is None
    assert events.event({**row, "createdAt": None}, "prj_2") is None
    result = events.event({**row, "principalId": "user_1"}, "prj_2")
    assert result
    assert result.actor == "user_1"
