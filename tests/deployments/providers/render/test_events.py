"""Render's events in words."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.providers.render import events
from tests.deployments.providers.client_bench import ClientBench

ANA = {"user": {"id": "usr-1", "email": "ana@example.com"}}


def parsed(kind: str, **details: Any) -> Any:
    row = {
        "id": "evt-1",
        "timestamp": "2026-01-02T00:00:00Z",
        "serviceId": "srv-1",
        "type": kind,
        "details": details,
    }
    return events.event(row)


KILLED = {"nonZeroExit": 137}
TOO_LARGE = {"oomKilled": {"memoryLimit": "512Mi"}}
NO_IMAGE = {"imageURL": "acme/api:1", "message": "not found"}
NO_ARTIFACT = {"artifactId": "art-1", "message": "expired"}


@pytest.mark.parametrize(
    ("kind", "details", "expected"),
    [
        (
            "server_failed",
            {"instanceID": "srv-1-a", "reason": KILLED},
            "srv-1-a failed. The process ended with status 137.",
        ),
        ("server_failed", {"reason": TOO_LARGE}, "An instance failed. Out of memory (limit 512Mi)."),
        ("server_failed", {"reason": None}, "An instance failed. Render gives no reason."),
        ("server_hardware_failure", {}, "An instance failed: Render's hardware broke."),
        ("image_pull_failed", NO_IMAGE, "acme/api:1 could not be pulled. not found"),
        ("artifact_fetch_failed", NO_ARTIFACT, "art-1 could not be fetched. expired"),
        (
            "pre_deploy_ended",
            {"preDeployStatus": "failed", "reason": {"failure": KILLED}},
            "The pre-deploy command did not succeed. The process ended with status 137.",
        ),
        ("pre_deploy_ended", {"preDeployStatus": "succeeded"}, ""),
        ("maintenance_mode_enabled", {"enabled": True}, "Maintenance mode was switched on."),
        ("maintenance_started", {"trigger": ANA}, "Maintenance by Render started."),
        ("deploy_started", {"trigger": {"envUpdated": True}}, "the environment variables were changed"),
        ("deploy_started", {"trigger": {"updatedProperty": "plan"}}, "the setting plan was changed"),
    ],
)
def test_an_event_is_put_into_words(kind: str, details: dict[str, Any], expected: str) -> None:
    assert parsed(kind, **details).detail == expected


def test_a_deploy_for_changed_variables_is_a_kind_of_its_own() -> None:
    event = parsed("deploy_started", deployId="dep-1", trigger={"envUpdated": True, **ANA})
    assert (event.kind, event.deployment_id, event.actor) == (
        "environment_changed",
        "dep-1",
        "ana@example.com",
    )


def test_the_reason_for_which_automatic_deploys_were_switched_off_is_kept() -> None:
    event = parsed("auto_deploy_disabled", reason="manual_deploy", fromTrigger="checksPass")
    assert (event.detail, event.reason) == ("checksPass", "manual_deploy")


@pytest.mark.parametrize(
    ("details", "setting"), [({"newTrigger": "commit"}, "commit"), ({}, "on"), ({"newTrigger": "new"}, "on")]
)
def test_automatic_deploys_that_were_enabled_are_on_whatever_the_word(
    details: dict[str, str], setting: str
) -> None:
    event = parsed("auto_deploy_enabled", **details)
    assert (event.kind, event.detail) == ("auto_deploy_on", setting)


def test_out_of_memory_is_said_only_where_render_says_it() -> None:
    assert (
        events.failure({"failure": {"oomKilled": None, "nonZeroExit": 1}})
        == "The process ended with status 1."
    )


def test_a_failed_server_is_among_the_events_of_a_service(render_bench: ClientBench) -> None:
    since = render_bench.clock()
    render_bench.world.provider_records(render_bench.name, "server_failed", {"reason": {"nonZeroExit": 1}})
    (event,) = render_bench.client.events(render_bench.service_id, since=since)
    assert event.kind == "server_failed"
