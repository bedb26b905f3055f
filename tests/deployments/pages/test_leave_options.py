"""The options when leaving a rollback."""

from __future__ import annotations

import pytest

from deployments.models import Deployment, OperationKind, Pin, Service
from deployments.operations.plan import Plan, make_plan
from deployments.pages.leave_options import leave_options
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def pin(web: Service) -> Pin:
    """A rollback from "Faster checkout totals" to "Fix price rounding"."""
    left = factories.deployment(web, "Faster checkout totals", created_at=factories.ago(hours=1))
    factories.live(web, "Fix price rounding", created_at=factories.ago(days=1))
    return factories.pin(web, rolled_back_from=left)


def plan(web: Service, pin: Pin | None, target: Deployment | None = None) -> Plan:
    return make_plan(OperationKind.LEAVE, web, target, None, pin)


def test_without_a_pin_there_is_nothing_to_leave(web: Service) -> None:
    factories.live(web)
    assert leave_options(plan(web, None)) == ()


def test_keeping_what_is_live_comes_first_and_returning_second(web: Service, pin: Pin) -> None:
    stay, let_go, back = leave_options(plan(web, pin))
    assert (stay.deployment, stay.chosen) == (None, True)
    assert (let_go.deployment, let_go.chosen) == (None, False)
    assert stay.label == "Keep what is live; only automatic deploys come back"
    assert (back.deployment, back.chosen) == (pin.rolled_back_from, False)
    assert back.label == "Back to what was rolled back from"


def test_only_builds_that_were_staged_since_are_offered(web: Service, pin: Pin) -> None:
    newer = factories.deployment(
        web, "Add gift cards", created_at=factories.ago(minutes=5), staged=True, served=False
    )
    factories.deployment(web, "Too old", created_at=factories.ago(days=3), staged=True)
    _, _, first, second = leave_options(plan(web, pin))
    assert (first.deployment, first.label) == (newer, "Built since, never served")
    assert second.deployment == pin.rolled_back_from


def test_the_target_of_the_plan_is_the_chosen_option_and_every_option_has_its_address(
    web: Service, pin: Pin
) -> None:
    target = pin.rolled_back_from
    assert target is not None
    stay, let_go, back = leave_options(plan(web, pin, target))
    assert (stay.chosen, let_go.chosen, back.chosen) == (False, False, True)
    assert back.url == f"{stay.url}?to={target.provider_id}"


def test_automatic_deploys_can_be_kept_off_which_lets_the_earlier_setting_go(web: Service, pin: Pin) -> None:
    kept = make_plan(OperationKind.LEAVE, web, None, None, pin, keep_auto_deploy_off=True)
    stay, let_go, _ = leave_options(kept)
    assert (stay.chosen, let_go.chosen) == (False, True)
    assert let_go.label == "Keep what is live, and keep automatic deploys off"
    assert let_go.url == f"{stay.url}?auto_deploy=off"
    assert [step.message for step in kept.steps] == ["Leave automatic deploys off"]


def test_where_automatic_deploys_were_off_before_there_is_nothing_to_let_go(web: Service, pin: Pin) -> None:
    pin.auto_deploy_before = "off"
    stay, *rest = leave_options(plan(web, pin))
    assert stay.label == "Keep what is live; automatic deploys stay off, as they were before"
    assert [option.deployment for option in rest] == [pin.rolled_back_from]
