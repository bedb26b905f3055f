"""The status badges of a deployment."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from deployments.models import Change, Deployment, Operation, OperationKind, Pin, Service
from deployments.pages.badges import BadgeContext, badges_for
from deployments.providers.base import DeploymentStatus
from rollback_portal.web.badges import Badge

LIVE, OTHER = 1, 2


def badges(pk: int = OTHER, **options: Any) -> tuple[Badge, ...]:
    """The badges of a deployment, by default a built one that is not live."""
    context = {
        name: options.pop(name) for name in ("sure", "previous", "pin", "rollbacks") if name in options
    }
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


def test_what_a_pin_rolled_back_from_is_red_and_not_called_previous() -> None:
    pin = Pin(rolled_back_from_id=OTHER, pinned_by="Ana Ruiz")
    (badge,) = badges(pin=pin, previous=Deployment(pk=OTHER))
    assert (badge.word, badge.tone, badge.detail) == ("ROLLED BACK FROM", "bad", "by Ana Ruiz")


def test_a_finished_rollback_away_from_it_is_remembered_without_colour() -> None:
    operation = Operation(kind=OperationKind.ROLL_BACK, requested_by_name="Bo Lind")
    change = Change(operation=operation, from_deployment_id=OTHER)
    (badge,) = badges(rollbacks=[change])
    assert (badge.word, badge.tone, badge.detail) == ("ROLLED BACK FROM", "", "by Bo Lind")
