"""What keeps a build from serving, in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.models import Deployment, Service
from deployments.operations import eligibility
from deployments.operations.obstacles import obstacle
from deployments.providers.base import DeploymentStatus
from tests import factories
from tests.factories import ago


def row(**facts: Any) -> Deployment:
    return Deployment(**{"status": DeploymentStatus.READY, **facts})


def from_now(**length: float) -> Any:
    return timezone.now() + timedelta(**length)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({}, ""),
        ({"status": "deleted"}, "deleted at Vercel"),
        ({"status": "deleted", "deleted_at": ago(days=12, hours=12)}, "deleted at Vercel 12 d ago"),
        ({"status": "deleted", "by_retention": True}, "deleted at Vercel by the project's retention policy"),
        ({"status": "blocked"}, "blocked at Vercel"),
        ({"expires_at": from_now(hours=20.5)}, "Vercel deletes it in 20 h"),
        ({"expires_at": from_now(days=20)}, ""),
        ({"expires_at": ago(days=12, hours=12)}, "its retention at Vercel ended 12 d ago"),
        ({"checks": "failed"}, ""),
        ({"checks": "failed", "staged": True}, "its checks failed"),
        ({"checks": "succeeded", "staged": True}, ""),
        ({"checks": "a_word_of_tomorrow", "staged": True}, ""),
        ({"alias_error": "taken", "staged": True}, "its domains could not be assigned: taken"),
        ({"alias_error": "taken"}, ""),
    ],
)
def test_a_build_that_cannot_serve_has_a_reason(facts: dict[str, Any], reason: str) -> None:
    assert obstacle(row(**facts), "Vercel") == reason


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"status": "deleted"}, "deleted at Vercel"),
        ({"status": "blocked"}, "blocked at Vercel"),
        ({"expires_at": ago(days=12, hours=12)}, "its retention at Vercel ended 12 d ago"),
        ({"environment": "qa", "production": False}, "built for the environment “qa”, not for production"),
        ({"staged": True, "served": False, "checks": "failed"}, "its checks failed"),
    ],
)
def test_a_button_is_not_offered_and_the_reason_stands_there(facts: dict[str, Any], reason: str) -> None:
    service: Service = factories.service("web")
    target = factories.deployment(service, **facts)
    assert eligibility.ineligible_reason(target, service, None, None) == reason
    assert eligibility.cannot_return_reason(target, service) == reason


@pytest.mark.django_db
def test_a_suspended_service_names_who_suspended_it() -> None:
    service = factories.service("api", suspended=True, suspended_by="billing")
    reason = eligibility.ineligible_reason(factories.deployment(service), service, None, None)
    assert reason == f"{service.name} is suspended at Render (by: billing)"
