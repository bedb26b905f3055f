"""Which services need manual commands, and to which deployment they lead."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.models import Deployment, OperationKind, ProviderStatus, Service
from deployments.operations.plan import Plan, make_plan
from deployments.operations.previous import past_of
from deployments.pages.current_state import load_current_state
from deployments.pages.manual_fallback import for_change, for_dialog, for_page, last_known
from deployments.providers.base import NotAllowed
from tests import factories
from tests.deployments.operations.story import Story

pytestmark = pytest.mark.django_db


@pytest.fixture
def previous(api: Service) -> Deployment:
    """What was live before the live deployment of the API."""
    factories.provider_status("render")
    previous = factories.deployment(api, "Fix price rounding", created_at=factories.ago(days=2))
    factories.live(api)
    return previous


def page(*services: Service) -> list[tuple[Service, Deployment | None]]:
    cards = for_page(load_current_state(services), past_of(services))
    return [(card.service, card.target) for card in cards]


def plan(service: Service, target: Deployment) -> Plan:
    return make_plan(OperationKind.ROLL_BACK, service, target, None, None)


def test_a_page_needs_no_commands_while_the_portal_can_act(api: Service, previous: Deployment) -> None:
    factories.heartbeats()
    assert page(api) == []


def test_without_a_dispatcher_every_service_has_commands_back_to_what_was_live(
    api: Service, previous: Deployment
) -> None:
    assert page(api) == [(api, previous)]


def test_where_a_provider_fails_only_its_services_have_commands(api: Service, previous: Deployment) -> None:
    factories.heartbeats()
    web = factories.service("web")
    factories.provider_status("vercel")
    ProviderStatus.objects.filter(provider="render").update(error="It cannot be reached")
    assert page(api, web) == [(api, previous)]


def test_the_dialog_says_nothing_while_the_portal_can_act(api: Service, previous: Deployment) -> None:
    factories.heartbeats()
    assert for_dialog(plan(api, previous), ProviderStatus.objects.get()) is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"error": "500"}, "Render is not answering properly"),
        ({"error": f"Render {NotAllowed.SAYS}."}, "Render refuses the portal's key"),
    ],
)
def test_the_dialog_says_what_is_wrong_with_the_provider(
    api: Service, previous: Deployment, fields: dict[str, Any], message: str
) -> None:
    factories.heartbeats()
    ProviderStatus.objects.update(**fields)
    fallback = for_dialog(plan(api, previous), ProviderStatus.objects.get())
    assert fallback is not None
    assert fallback.message.startswith(message)
    assert [card.target for card in fallback.cards] == [previous]


def test_the_dialog_says_that_an_operation_waits_where_no_dispatcher_is_alive(
    api: Service, previous: Deployment
) -> None:
    fallback = for_dialog(plan(api, previous), ProviderStatus.objects.get())
    assert fallback is not None
    assert fallback.message.startswith("No dispatcher has sent a heartbeat for 40 s")


@pytest.mark.parametrize(
    ("status", "alive", "offered"),
    [
        ("failed", True, True),
        ("needs_attention", True, True),
        ("succeeded", True, False),
        ("accepted", True, False),
        ("accepted", False, True),
    ],
)
def test_an_operation_offers_commands_where_it_did_not_succeed_or_is_stuck(
    api: Service, previous: Deployment, status: str, alive: bool, offered: bool
) -> None:
    if alive:
        factories.heartbeats()
    commands = for_change(factories.change(api, previous, status=status), None)
    assert (commands is not None) is offered


def test_what_is_stored_for_a_time_without_postgresql_has_the_commands_of_all_followed_services(
    api: Service, previous: Deployment
) -> None:
    factories.service("web", name="not-followed", followed=False)
    html = last_known()
    assert previous.provider_id in html
    assert "not-followed" not in html


@pytest.mark.parametrize("kind", ["api", "web"])
def test_the_commands_lead_to_the_same_deployment_as_the_mark_previous(kind: str) -> None:
    story = Story(kind)
    for _ in range(4):
        story.deploy()
    story.roll_back(story.built[2])
    story.roll_back(story.built[1])

    assert page(story.loaded) == [(story.loaded, story.built[0])]
