"""Vercel's events in words."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.providers.vercel import events
from tests.deployments.providers.client_bench import ClientBench

VARIABLE = {"key": "STRIPE_KEY", "value": "sk_live_1", "projectId": "prj_1"}


def parsed(kind: str, **payload: Any) -> Any:
    row = {"id": "uev_1", "type": kind, "createdAt": 1_767_312_060_000, "payload": payload}
    return events.event(row, "prj_1")


@pytest.mark.parametrize(
    ("kind", "payload", "expected"),
    [
        (
            "env-variable-edit",
            VARIABLE,
            ("environment_changed", "The environment variable STRIPE_KEY was changed."),
        ),
        ("env-variable-add", {}, ("environment_changed", "The environment variable was added.")),
        ("alias", {"alias": "a.example"}, ("domain_changed", "a.example was moved.")),
        ("project-domain-deleted", {"name": "a.example"}, ("domain_changed", "a.example was removed.")),
        ("project-paused", {}, ("suspended", "The project was paused.")),
        ("deployment-delete", {"deploymentId": "dpl_1"}, ("deploy_deleted", "The deployment was deleted.")),
        ("instant-rollback-created", {"reason": "500s"}, ("rolled_back", "500s")),
    ],
)
def test_an_event_is_put_into_words(kind: str, payload: dict[str, Any], expected: tuple[str, str]) -> None:
    event = parsed(kind, **payload)
    assert (event.kind, event.detail) == expected


def test_the_value_of_a_variable_is_never_read() -> None:
    assert "sk_live_1" not in repr(parsed("env-variable-edit", **VARIABLE))


def test_a_domain_that_vercel_assigns_to_a_new_build_is_nobodys_act() -> None:
    assert parsed("alias", alias="a.example", system=True) is None


def test_a_domain_moved_by_hand_names_both_deployments(vercel_bench: ClientBench) -> None:
    since = vercel_bench.clock()
    details = {"alias": "shop.example.com", "deploymentId": "dpl_new", "oldDeploymentId": "dpl_old"}
    vercel_bench.world.provider_records(vercel_bench.name, "alias", details)
    (event,) = vercel_bench.client.events(vercel_bench.service_id, since=since)
    assert (event.kind, event.target_id, event.from_id) == ("domain_changed", "dpl_new", "dpl_old")
    assert event.actor.startswith("chioma")
