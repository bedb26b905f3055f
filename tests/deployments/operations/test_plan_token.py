"""The signed token of a confirm form, and what has changed since it was made."""

from __future__ import annotations

import time

import pytest

from deployments.models import Deployment, OperationKind, Service
from deployments.operations.plan_token import (
    InvalidPlanToken,
    differences,
    new_token,
    read_token,
    take_snapshot,
)
from tests import factories

ROLL_BACK = OperationKind.ROLL_BACK

pytestmark = pytest.mark.django_db


@pytest.fixture
def target(api: Service) -> Deployment:
    """An earlier deployment; another one is live."""
    factories.live(api)
    return factories.deployment(api, "Add gift cards")


def test_a_token_carries_its_form_and_a_key_of_its_own(api: Service, target: Deployment) -> None:
    first, second = (read_token(new_token(ROLL_BACK, api, target), ROLL_BACK, api, target) for _ in range(2))

    assert (first["target"], first["snapshot"]) == (target.pk, take_snapshot(api))
    assert first["idempotency_key"] != second["idempotency_key"]


def test_a_token_is_valid_for_its_own_form_only(api: Service, target: Deployment) -> None:
    token = new_token(ROLL_BACK, api, target)

    with pytest.raises(InvalidPlanToken, match="another deployment"):
        read_token(token, ROLL_BACK, api, api.live)
    with pytest.raises(InvalidPlanToken, match="another deployment"):
        read_token(token, OperationKind.PROMOTE, api, target)


def test_a_damaged_token_is_refused(api: Service, target: Deployment) -> None:
    with pytest.raises(InvalidPlanToken, match="arrived incomplete"):
        read_token(new_token(ROLL_BACK, api, target)[:-2], ROLL_BACK, api, target)


def test_a_token_expires_after_a_day(
    api: Service, target: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = new_token(ROLL_BACK, api, target)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 24 * 60 * 60 + 60)

    with pytest.raises(InvalidPlanToken, match="more than 24 hours old"):
        read_token(token, ROLL_BACK, api, target)


def test_an_unchanged_service_has_no_differences(api: Service, target: Deployment) -> None:
    assert differences(take_snapshot(api), api) == []


def test_every_difference_is_a_sentence(api: Service, target: Deployment) -> None:
    before = take_snapshot(api)
    api.live, api.auto_deploy, api.pinned = target, "off", True

    live, auto_deploy, pinned = differences(before, api)

    assert live == f"Live was {before['live_name']} when you opened this; now it is {target}."
    assert "“on every commit”" in auto_deploy
    assert "“off”" in auto_deploy
    assert "pin was set" in pinned
