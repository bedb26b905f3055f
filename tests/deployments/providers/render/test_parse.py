from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from deployments.providers.base import (
    DeploymentStatus,
    RemoteDeployment,
)
from deployments.providers.json_fields import BEGINNING
from deployments.providers.render import parse

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def deploy(identifier: str, status: str = "live", *, at: datetime = NOW, **facts: Any) -> RemoteDeployment:
    found = {"id": identifier, "status": status, "createdAt": at.isoformat(), **facts}
    return parse.deployment(found, "srv-1")


def test_a_deploy_of_which_only_the_id_is_known_is_a_deployment() -> None:
    found = parse.deployment({"id": "dep-1"}, "srv-1")
    assert found.status is DeploymentStatus.UNKNOWN
    assert found.created_at == BEGINNING
    assert found.served is None
    assert found.can_roll_back is None
    assert found.live_from is None


def test_every_documented_status_is_known() -> None:
    documented = (
        "created queued build_in_progress pre_deploy_in_progress update_in_progress live deactivated "
        "build_failed pre_deploy_failed update_failed canceled"
    )
    for word in documented.split():
        assert deploy("dep-1", word).status is not DeploymentStatus.UNKNOWN
        assert deploy("dep-1", word).raw_status == word


def test_a_failed_deploy_never_served() -> None:
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


def test_a_service_without_details_is_a_service() -> None:
    found = parse.service({"id": "srv-1"})
    assert (found.name, found.kind, found.addresses, found.automatic) == ("srv-1", "api", (), None)
    assert parse.service({"id": "srv-1", "type": "static_site"}).kind == "web"


def test_a_preview_is_told_by_its_parent() -> None:
    assert parse.is_preview({"serviceDetails": {"parentServer": {"id": "srv-1"}}})
    assert not parse.is_preview({"serviceDetails": {}})


@pytest.mark.parametrize(
    ("automatic", "trigger", "pinned"),
    [
        ("off", "rollback", True),
        ("off", "new_commit", False),
        ("off", "manual", False),
        ("off", "service_updated", None),
        ("off", "", None),
        ("commit", "rollback", False),
        (None, "rollback", None),
    ],
)
def test_a_pin_is_automatic_deploys_off_with_a_rollback_live(
    automatic: str | None, trigger: str, pinned: bool | None
) -> None:
    assert parse.pinned(automatic, deploy("dep-1", trigger=trigger)) is pinned


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
def test_a_failure_is_one_sentence(reason: Any, message: str) -> None:
    assert parse.failure(reason) == message


def test_an_event_about_something_else_is_left_out() -> None:
    assert parse.event({"id": "evt-1", "timestamp": NOW.isoformat(), "type": "plan_changed"}) is None
    assert parse.event({"id": "evt-1", "type": "deploy_started"}) is None


def test_a_dashboard_rollback_shows_as_automatic_off_with_what_was_before() -> None:
    details = {"reason": "rollback", "fromTrigger": "checksPass"}
    found = {"id": "evt-1", "timestamp": NOW.isoformat(), "type": "auto_deploy_disabled", "details": details}
    event = parse.event(found)
    assert event
    assert (event.kind, event.detail) == ("automatic_off", "checksPass")


def test_metric_labels_come_as_a_list_or_as_an_object() -> None:
    values = [{"timestamp": NOW.isoformat(), "value": 3}, {"timestamp": "?", "value": 3}, {"value": None}]
    as_list = {"labels": [{"field": "statusCode", "value": "200"}], "values": values, "unit": "unitless"}
    as_object = {"labels": {"statusCode": "200"}, "values": values}
    for series in (as_list, as_object):
        (sample,) = parse.samples(series, "statusCode")
        assert (sample.label, sample.value) == ("200", 3)
