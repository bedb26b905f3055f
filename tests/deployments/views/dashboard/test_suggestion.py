"""The suggestion on the pages: its place, words and button, for who may operate and who may only look."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from deployments.models import Deployment, Service
from tests import factories
from tests.deployments.pages.figures.test_live_figures import fill
from tests.deployments.views.dashboard.conftest import row
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
PAGES = pytest.mark.parametrize("address", ["/", "/services/shop-api/"])
FILLED = re.compile(r'<a class="button"\s+data-kind="main"')
REASON = r"Was live 3 h 10 min at 0\.1% 5xx until [\w ]*\d\d:\d\d, and nobody marked it bad\."


@pytest.fixture
def good(synced_api: Service) -> Deployment:
    """The last known good one of an API that has been live for 40 minutes."""
    numbers = {"live_requests": 10_000, "live_errors": 10, "live_source": "provider", "live_seconds": 11_400}
    made = factories.deployment(
        synced_api, "Fix price rounding", created_at=factories.ago(hours=4), **numbers
    )
    factories.live(synced_api, created_at=factories.ago(minutes=40))
    return made


@PAGES
def test_in_an_incident_it_stands_above_the_list_with_its_reason_and_the_only_filled_button(
    responder: Client, good: Deployment, address: str
) -> None:
    fill(good.service, 6, 0, errors=8)
    page = responder.get(address)
    html = page.content.decode()
    assert html.index('class="suggest"') < html.index('id="list"')
    assert "SUGGESTED LAST KNOWN GOOD API: back to “Fix price rounding”" in text(page)
    assert re.search(REASON, text(page))
    (filled,) = FILLED.finditer(html)
    assert html.index(f"{good.provider_id}/roll-back/", filled.start()) < html.index("</a>", filled.start())
    assert 'data-kind="quiet"' in row(page, "Fix price rounding")


@PAGES
def test_where_nothing_is_wrong_it_is_one_line_without_a_filled_button(
    responder: Client, good: Deployment, address: str
) -> None:
    fill(good.service, 30, 0)
    page = responder.get(address)
    html = page.content.decode()
    assert 'class="suggest" data-calm' in html
    assert "API if it fails: LAST KNOWN GOOD" in text(page)
    assert FILLED.findall(html) == []
    assert 'data-kind="quiet"' not in row(page, "Fix price rounding")


@PAGES
@pytest.mark.parametrize("errors", [0, 8])
def test_a_viewer_sees_the_same_with_the_role_in_place_of_the_button(
    viewer: Client, good: Deployment, address: str, errors: int
) -> None:
    fill(good.service, 30, 0, errors=errors)
    page = viewer.get(address)
    assert "LAST KNOWN GOOD" in text(page)
    assert re.search(REASON.removeprefix("W").removesuffix(r"\."), text(page))
    assert "No button: needs the role responder" in text(page)
    assert "roll-back" not in page.content.decode()


def test_a_service_without_a_history_says_why_there_is_no_suggestion(
    responder: Client, synced_api: Service
) -> None:
    factories.live(synced_api)
    assert "NO SUGGESTION API No earlier deployment is known that can still serve" in text(responder.get("/"))


def test_the_dialog_gives_the_same_reason_and_for_another_target_none(
    responder: Client, good: Deployment
) -> None:
    other = factories.deployment(good.service, "Other", created_at=factories.ago(hours=9))
    dialog = f"/services/shop-api/deployments/{good.provider_id}/roll-back/"
    assert "Suggested: it was live 3 h 10 min at 0.1% 5xx until" in text(responder.get(dialog))
    assert "Suggested" not in text(responder.get(dialog.replace(good.provider_id, other.provider_id)))


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({}, "was live 3 h 10 min, 5xx 0.1%"),
        ({"live_source": "probe"}, "was live 3 h 10 min, errors 0.1%"),
        ({"live_errors": 0}, "was live 3 h 10 min, 5xx 0%"),
        ({"live_requests": None, "live_errors": None, "live_source": ""}, "was live 3 h 10 min, no data"),
    ],
)
def test_each_row_says_how_it_did_and_no_data_is_never_0(
    responder: Client, good: Deployment, numbers: dict[str, Any], words: str
) -> None:
    Deployment.objects.filter(pk=good.pk).update(**numbers)
    assert words in row(responder.get("/"), "Fix price rounding")


def test_the_page_of_a_deployment_says_it_in_full(responder: Client, good: Deployment) -> None:
    Deployment.objects.filter(pk=good.pk).update(end_requests=400, end_errors=2)
    page = text(responder.get(f"/services/shop-api/deployments/{good.provider_id}/"))
    assert "5xx 0.1% of 10,000 requests, 0.5% of 400 in its last half hour; measured by the provider" in page
    Deployment.objects.filter(pk=good.pk).update(
        live_requests=None, live_errors=None, end_requests=None, end_errors=None, live_source=""
    )
    page = text(responder.get(f"/services/shop-api/deployments/{good.provider_id}/"))
    assert "While live No data: nothing was measured" in page
