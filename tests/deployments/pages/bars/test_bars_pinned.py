"""The bar of a pin names what is really live, not what a rollback was to put there, and not too early."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from deployments.models import Deployment, Pin, Service
from tests import factories
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def live_web() -> Service:
    factories.provider_status("vercel")
    service = factories.service("web", display_name="Web")
    factories.live(service, "Faster checkout totals")
    return service


@pytest.fixture
def target(live_web: Service) -> Deployment:
    return factories.deployment(live_web, "Fix price rounding")


def begun(live_web: Service, target: Deployment, status: str, **fields: object) -> Pin:
    """A rollback that has set its pin and stands at `status`."""
    change = factories.change(live_web, target, status=status, **fields)
    return factories.pin(live_web, target, change=change, rolled_back_from=live_web.live, pinned_by="Bo Lind")


def test_a_rollback_on_its_way_holds_nothing_yet(
    responder: Client, live_web: Service, target: Deployment
) -> None:
    begun(live_web, target, "accepted")
    live_web.pinned = True
    live_web.save()
    page = text(responder.get("/"))
    assert "UNDER WAY" in page
    assert "PINNED" not in page
    assert "rolled back from" not in page.lower()


def test_a_second_rollback_on_its_way_leaves_the_first_ones_pin_in_sight(
    responder: Client, live_web: Service, target: Deployment
) -> None:
    first = factories.pin(
        live_web, live_web.live, reason="the first reason", released_at=timezone.now(), released_by="Bo Lind"
    )
    second = begun(live_web, target, "accepted")
    second.replaces = first
    second.save()
    page = text(responder.get("/"))
    assert "PINNED Web stays on" in page
    assert "the first reason" in page


def test_a_rollback_that_failed_and_left_its_pin_says_what_is_live(
    responder: Client, live_web: Service, target: Deployment
) -> None:
    begun(live_web, target, "failed", ended_at=factories.ago(minutes=1))
    page = text(responder.get("/"))
    assert live_web.live
    assert f"PINNED Web stays on {live_web.live.short_sha} “Faster checkout totals”" in page
    assert f"It should have stayed on {target.short_sha} “Fix price rounding”, which is not live." in page
    assert "ROLLED BACK FROM" not in page


def test_a_rollback_that_was_just_done_is_believed_until_the_provider_is_read_again(
    responder: Client, live_web: Service, target: Deployment
) -> None:
    begun(live_web, target, "succeeded", ended_at=timezone.now())
    page = text(responder.get("/"))
    assert f"PINNED Web stays on {target.short_sha} “Fix price rounding”" in page
    assert "which is not live" not in page
