"""Parsing Render's JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from deployments.providers.base import (
    DeploymentStatus,
    RemoteDeployment,
)
from deployments.providers.json_fields import EPOCH
from deployments.providers.render import events, parse

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def deploy(identifier: str, status: str = "live", *, at: datetime = NOW, **facts: Any) -> RemoteDeployment:
    item = {"id": identifier, "status": status, "createdAt": at.isoformat(), **facts}
    return parse.deployment(item, "srv-1")


def test_a_deploy_with_only_an_id_is_parsed() -> None:
    result = parse.deployment({"id": "dep-1"}, "srv-1")
    assert result.status is DeploymentStatus.UNKNOWN
    assert result.created_at == EPOCH
    assert result.served is None
    assert result.can_roll_back is None
    assert result.live_from is None


def test_every_documented_status_is_known() -> None:
    documented = (
        "created queued build_in_progress pre_deploy_in_progress update_in_progress live deactivated "
        "build_failed pre_deploy_failed update_failed canceled"
    )
    for word in documented.split():
        assert deploy("dep-1", word).status is not DeploymentStatus.UNKNOWN
        assert deploy("dep-1", word).raw_status == word


def test_a_failed_deploy_was_never_live() -> None:
    finished = NOW.isoformat()
    assert deploy("dep-1", "update_failed", finishedAt=finished).served is False
    assert deploy("dep-1", "update_failed", finishedAt=finished).live_from is None
    assert deploy("dep-1", "deactivated", finishedAt=finished).live_from == NOW


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        ({"ref": "docker.io/acme/api:1", "sha": "sha256:aa"}, "docker.io/acme/api:1@sha256:aa"),
        ({"ref": "acme/api@sha256:aa", "sha": "sha256:aa"}, "acme/api@sha256:aa"),
        ({"ref": "acme/api:1"}, "acme/api:1"),
        ({}, ""),
        (None, ""),
    ],
)
def test_an_image_is_shown_with_its_digest(image: object, shown: str) -> None:
    assert deploy("dep-1", image=image).image == shown


def test_a_service_with_only_an_id_is_parsed() -> None:
    result = parse.service({"id": "srv-1"})
    assert (result.name, result.kind, result.addresses, result.auto_deploy) == ("srv-1", "api", (), None)
    assert parse.service({"id": "srv-1", "type": "static_site"}).kind == "web"


def test_a_preview_has_a_parent_server() -> None:
    assert parse.is_preview({"serviceDetails": {"parentServer": {"id": "srv-1"}}})
    assert not parse.is_preview({"serviceDetails": {}})


@pytest.mark.parametrize(
    ("said", "setting"),
    [
        ({"autoDeploy": "yes", "autoDeployTrigger": "checksPass"}, "checksPass"),
        ({"autoDeploy": "no", "autoDeployTrigger": "disabled"}, "off"),
        ({"autoDeploy": "yes", "autoDeployTrigger": "manual"}, "on"),
        ({"autoDeploy": "perhaps", "autoDeployTrigger": "manual"}, None),
        ({"autoDeployTrigger": "manual"}, None),
    ],
)
def test_a_word_for_automatic_deploys_that_is_new_leaves_it_to_the_yes_no_field(
    said: dict[str, str], setting: str | None
) -> None:
    assert parse.auto_deploy(said) == setting


@pytest.mark.parametrize(
    ("auto_deploy", "trigger", "pinned"),
    [
        ("off", "rollback", True),
        ("off", "new_commit", None),
        ("off", "manual", None),
        ("off", "a_new_word", None),
        ("off", "service_updated", None),
        ("off", "", None),
        ("commit", "rollback", False),
        (None, "rollback", None),
    ],
)
def test_pinned_means_automatic_deploys_off_and_a_rollback_live(
    auto_deploy: str | None, trigger: str, pinned: bool | None
) -> None:
    assert parse.pinned(auto_deploy, deploy("dep-1", trigger=trigger)) is pinned


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ({}, ""),
        (None, ""),
        ({"buildFailed": {"id": "bld-1"}}, "The build failed."),
        ({"newDeploy": {"id": "dep-2"}}, "Superseded by dep-2."),
        ({"failure": {"evicted": False, "nonZeroExit": 3}}, "The process ended with status 3."),
        (
            {"failure": {"evicted": False, "unhealthy": "HTTP health check failed."}},
            "Unhealthy: HTTP health check failed.",
        ),
        (
            {"failure": {"evicted": False, "oomKilled": {"memoryLimit": "512Mi"}}},
            "Out of memory (limit 512Mi).",
        ),
        (
            {"failure": {"evicted": True, "evictionReason": "node drained"}},
            "Evicted: node drained.",
        ),
        (
            {"failure": {"timedOutSeconds": 900, "timedOutReason": "no open port"}},
            "Timed out after 900 s: no open port.",
        ),
    ],
)
def test_a_failure_is_put_into_words(reason: Any, message: str) -> None:
    assert events.failure(reason) == message


def test_other_events_are_left_out() -> None:
    assert events.event({"id": "evt-1", "timestamp": NOW.isoformat(), "type": "plan_changed"}) is None
    assert events.event({"id": "evt-1", "type": "deploy_started"}) is None


def test_an_auto_deploy_event_carries_the_setting_before() -> None:
    details = {"reason": "rollback", "fromTrigger": "checksPass"}
    result = {"id": "evt-1", "timestamp": NOW.isoformat(), "type": "auto_deploy_disabled", "details": details}
    event = events.event(result)
    assert event
    assert (event.kind, event.detail, event.reason) == ("auto_deploy_off", "checksPass", "rollback")
