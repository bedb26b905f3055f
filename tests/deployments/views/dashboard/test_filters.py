"""Filters, pages and groups, and pages without anything to show."""

from __future__ import annotations

import pytest
from django.test import Client

from deployments.models import Service
from tests import factories
from tests.deployments.views.dashboard.conftest import row
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


def test_previews_stand_only_behind_the_filter(
    responder: Client, synced_api: Service, synced_web: Service
) -> None:
    factories.live(synced_web, "Faster checkout totals")
    factories.deployment(synced_web, "Try a new header", production=False, branch="try/header")
    assert "Try a new header" not in text(responder.get("/"))
    shown = responder.get("/", {"show": "previews"})
    assert "Try a new header" in text(shown)
    assert "PREVIEW" in row(shown, "Try a new header")
    assert "would rebuild it" in row(shown, "Try a new header")
    assert "Faster checkout totals" in row(responder.get("/", {"show": "all"}), "Faster checkout totals")


@pytest.mark.parametrize(
    "query",
    [
        {"text": "LOGIN"},
        {"text": factories.sha("Fix login rate limit")[:9]},
        {"text": "#809"},
        {"author": "chen"},
        {"status": "failed"},
        {"service": "shop-api", "status": "failed"},
    ],
)
def test_a_filter_leaves_what_matches(responder: Client, synced_api: Service, query: dict[str, str]) -> None:
    factories.live(synced_api, "Faster checkout totals")
    factories.failed(synced_api, "Fix login rate limit", author="Chen Wu", pull_request="809")
    html = responder.get("/", query).content.decode()
    assert html.count('class="deploy"') == 1
    assert ">Fix login rate limit</a>" in html


def test_a_filter_that_leaves_nothing_stays_visible_with_a_way_out(
    responder: Client, synced_api: Service
) -> None:
    factories.live(synced_api)
    page = responder.get("/", {"text": "nothing like it"})
    assert "No deployment matches this filter" in text(page)
    assert 'value="nothing like it"' in page.content.decode()


def test_a_filter_value_that_cannot_be_used_is_named_and_left_out(
    responder: Client, synced_api: Service
) -> None:
    factories.live(synced_api, "Faster checkout totals")
    page = responder.get("/", {"status": "sideways", "before": "nowhere", "text": "x" * 101, "group": "nope"})
    assert page.status_code == 200
    said = text(page)
    assert "“sideways” is not one of the choices" in said
    assert "This address points to no place in the list" in said
    assert "There is no group “nope”" in said
    assert "Faster checkout totals" in said


def test_older_deployments_are_a_link_that_keeps_the_filter(responder: Client, synced_api: Service) -> None:
    for number in range(45):
        factories.deployment(
            synced_api, f"Change {number}", created_at=factories.ago(hours=number), author="Bo Lind"
        )
    first = responder.get("/", {"author": "Bo"})
    assert first.content.decode().count('class="deploy"') == 30
    older = first.context["older_url"]
    assert "author=Bo" in older
    second = responder.get(older)
    assert second.content.decode().count('class="deploy"') == 15
    assert "This is where the portal's records begin" in text(second)


def test_groups_are_tabs_that_show_their_state(responder: Client, synced_api: Service) -> None:
    factories.live(synced_api, "Faster checkout totals")
    other = factories.service("api", name="search-api", group="search")
    factories.live(other, "Upgrade the search index")
    factories.pin(other)
    page = responder.get("/", {"group": "shop"})
    assert "Faster checkout totals" in text(page)
    assert "Upgrade the search index" not in row(page, "Faster checkout totals")
    assert "search PINNED" in text(page)
    assert "Upgrade the search index" in text(responder.get("/", {"group": "search"}))


def test_without_services_the_page_says_what_is_missing(responder: Client) -> None:
    page = text(responder.get("/"))
    assert "Nothing has been found yet" in page
    assert "RENDER_API_KEY" in page


def test_without_a_followed_service_the_page_leads_to_the_choice(responder: Client) -> None:
    factories.service("api", followed=False)
    page = responder.get("/")
    assert "The portal knows 1 service, but nobody follows one" in text(page)
    assert 'href="/services/"' in page.content.decode()


def test_a_service_without_deployments_says_so(responder: Client, synced_api: Service) -> None:
    page = text(responder.get("/"))
    assert "No production deployments known" in page
    assert "Live is unknown" in page
