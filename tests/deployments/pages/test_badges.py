"""The status badges of a deployment."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from deployments.models import Deployment, Service
from deployments.operations.past.rolled_back import RolledBack
from deployments.pages.badges import BadgeContext, badges_for
from deployments.providers.base import DeploymentStatus
from rollback_portal.web.badges import Badge

LIVE, OTHER = 1, 2


def badges(pk: int = OTHER, **options: Any) -> tuple[Badge, ...]:
    """The badges of a deployment, by default a built one that is not live."""
    context = {name: options.pop(name) for name in ("sure", "previous", "rolled_back") if name in options}
    service = Service(live_id=LIVE)
    defaults = {"status": DeploymentStatus.READY, "production": True}
    deployment = Deployment(pk=pk, service=service, **{**defaults, **options})
    return badges_for(deployment, BadgeContext(service, **context))


def test_a_built_deployment_that_is_not_live_has_no_badge() -> None:
    assert badges() == ()


def test_the_live_one_is_green_only_where_that_is_beyond_doubt() -> None:
    assert badges(LIVE) == (Badge("LIVE", "good"),)
    assert badges(LIVE, sure=False) == (Badge("LIVE", detail="not certain"),)


def test_the_one_that_was_live_before_is_called_previous() -> None:
    assert [badge.word for badge in badges(previous=Deployment(pk=OTHER))] == ["PREVIOUS"]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"status": DeploymentStatus.FAILED, "raw_status": "build_failed"}, "BUILD FAILED"),
        ({"status": DeploymentStatus.FAILED, "raw_status": "ERROR"}, "FAILED"),
        ({"status": DeploymentStatus.CANCELED}, "CANCELED"),
        ({"status": DeploymentStatus.QUEUED}, "QUEUED"),
        ({"status": DeploymentStatus.BUILDING}, "BUILDING"),
        ({"status": DeploymentStatus.UNKNOWN, "raw_status": "odd"}, "STATUS UNKNOWN"),
        ({"production": False}, "PREVIEW"),
        ({"staged": True}, "STAGED"),
        ({"missing_since": timezone.now()}, "NO LONGER LISTED"),
        ({"outside": True}, "OUTSIDE PORTAL"),
        ({"trigger": "rollback"}, "ROLLBACK"),
    ],
)
def test_every_state_has_its_word(fields: dict[str, Any], word: str) -> None:
    assert [badge.word for badge in badges(**fields)] == [word]


def test_a_rollback_says_what_it_restores_and_who_started_it() -> None:
    restored = Deployment(pk=3, commit_sha="77ab0e1")
    (badge,) = badges(restores=restored, started_by="Ana Ruiz")
    assert badge.detail == "of 77ab0e1 by Ana Ruiz"


@pytest.mark.parametrize(("standing", "tone"), [(True, "bad"), (False, "")])
def test_what_was_rolled_back_from_says_when_by_whom_and_why(standing: bool, tone: str) -> None:
    at = timezone.now()
    rolled_back = RolledBack(1, OTHER, LIVE, at, at, "Ana Ruiz", "Error rate up: 500s", standing=standing)
    (badge,) = badges(rolled_back=rolled_back)
    assert (badge.word, badge.tone) == ("ROLLED BACK FROM", tone)
    assert badge.detail == f"at {at:%H:%M} by Ana Ruiz: Error rate up: 500s"
