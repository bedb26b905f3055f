"""Which deployments can be put in front of users, and the reason where one cannot."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.models import Change, Deployment, Pin
from deployments.operations.eligibility import button_text, cannot_return_reason, ineligible_reason
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "failed", "served": False}, "failed"),
        ({"status": "canceled", "served": False}, "canceled"),
        ({"status": "building", "served": None}, "not built yet"),
        ({"status": "unknown", "raw_status": "HIBERNATING"}, "“HIBERNATING” is not known"),
        ({"production": False}, "preview"),
        ({"served": False}, "never served"),
    ],
)
def test_what_could_not_serve_is_no_candidate(fields: dict[str, Any], reason: str) -> None:
    service = factories.service()
    factories.live(service)

    assert reason in ineligible_reason(factories.deployment(service, **fields), service, None, None)


def test_an_earlier_deployment_that_served_is_a_candidate() -> None:
    service = factories.service()
    factories.live(service)

    assert ineligible_reason(factories.deployment(service), service, None, None) == ""


def test_live_is_no_candidate_nor_is_its_build_which_a_rollback_restored() -> None:
    service = factories.service()
    build = factories.deployment(service, "Fix price rounding", created_at=factories.ago(days=1))
    first = factories.deployment(service, "Fix price rounding", restores=build, trigger="rollback")
    live = factories.live(service, "Fix price rounding", restores=first, trigger="rollback")

    assert ineligible_reason(live, service, None, None) == "live now"
    assert ineligible_reason(build, service, None, None) == "the same build is live now"
    assert ineligible_reason(first, service, None, None) == "the same build is live now"


@pytest.mark.parametrize("kind", ["api", "web"])
def test_another_build_of_the_live_commit_is_a_candidate_because_its_settings_may_differ(kind: str) -> None:
    service = factories.service(kind)
    live = factories.live(service)

    twin = factories.deployment(service, commit_sha=live.commit_sha)

    assert ineligible_reason(twin, service, None, None) == ""
    assert cannot_return_reason(twin, service) == ""


def test_vercels_own_verdict_counts() -> None:
    service = factories.service("web")
    factories.live(service)

    assert "Vercel does not offer it" in ineligible_reason(
        factories.deployment(service, can_roll_back=False), service, None, None
    )


def test_a_staged_deployment_is_promoted_not_rolled_back_to() -> None:
    service = factories.service("web")
    factories.live(service)
    staged = factories.deployment(service, staged=True, served=False, can_roll_back=False, live_until=None)

    assert (ineligible_reason(staged, service, None, None), button_text(staged)) == (
        "",
        "Promote to production",
    )


def test_an_operation_under_way_holds_all_of_its_service() -> None:
    service = factories.service()
    factories.live(service)
    running: Change = factories.change(service, factories.deployment(service))

    assert "operation under way" in ineligible_reason(
        factories.deployment(service, "Another"), service, running, None
    )


def test_what_was_rolled_back_from_comes_back_by_leaving() -> None:
    service = factories.service()
    bad: Deployment = factories.deployment(service, "Faster checkout totals")
    factories.live(service, "Fix price rounding")
    pin: Pin = factories.pin(service, rolled_back_from=bad)

    assert "leave the rollback" in ineligible_reason(bad, service, None, pin)


def test_another_services_deployment_is_refused() -> None:
    api, web = factories.service(), factories.service("web")
    factories.live(api)

    assert "another service" in ineligible_reason(factories.deployment(web), api, None, None)


def test_what_the_provider_no_longer_lists_and_a_suspended_service_are_refused() -> None:
    service = factories.service()
    factories.live(service)

    assert "no longer lists it" in ineligible_reason(
        factories.deployment(service, missing_since=factories.ago(minutes=1)), service, None, None
    )
    service.suspended = True
    assert "suspended" in ineligible_reason(factories.deployment(service), service, None, None)
