"""`/now`: from an alert to the dialog of the suggested deployment."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deployments.models import Deployment, Operation, Service
from tests import factories
from tests.deployments.views.confirm.dialog import address, token_in
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
BEGAN = (timezone.now() - timedelta(minutes=14)).replace(microsecond=0)
LINK = {"incident": "INC-412", "since": BEGAN.isoformat(), "reason": "errors"}


@pytest.fixture
def served_before(target: Deployment) -> Deployment:
    """What served before the live deployment of the API."""
    target.live_until = timezone.now() - timedelta(minutes=20)
    target.served = True
    target.save()
    return target


@pytest.mark.parametrize("by", ["slug", "provider_id", "name"])
def test_the_link_of_an_alert_opens_the_dialog_filled_in(
    responder: Client, served_before: Deployment, by: str
) -> None:
    service = served_before.service
    response = responder.get("/now", {"service": getattr(service, by), **LINK})
    assert response.status_code == 302
    assert urlsplit(response.headers["Location"]).path == address(service, served_before)
    page = responder.get(response.headers["Location"])
    form = page.context["form"]
    assert (form["reason"].value(), form["incident"].value()) == ("errors", "INC-412")
    assert "as the alert says" in text(page)


def test_what_is_sent_from_it_keeps_the_start_of_the_incident(
    responder: Client, served_before: Deployment
) -> None:
    where = responder.get("/now", {"service": "shop-api", **LINK}).headers["Location"]
    fields = {name: value for name, [value] in parse_qs(urlsplit(where).query).items()}
    responder.post(where, {"token": token_in(responder.get(where)), **fields})
    operation = Operation.objects.get()
    assert (operation.incident, operation.incident_began_at, operation.reason) == ("INC-412", BEGAN, "errors")


def test_with_one_followed_service_nothing_has_to_be_named(
    responder: Client, served_before: Deployment
) -> None:
    location = responder.get("/now").headers["Location"]
    assert location == address(served_before.service, served_before)


def test_with_several_services_each_has_its_suggestion(responder: Client, served_before: Deployment) -> None:
    web = factories.service("web", display_name="Web")
    factories.live(web)
    page = responder.get("/now", LINK)
    assert page.status_code == 200
    assert f'href="{address(served_before.service, served_before)}?reason=errors' in page.content.decode()
    assert "No earlier deployment is known that can still serve" in text(page)


def test_an_unknown_service_is_named_and_the_others_are_offered(
    responder: Client, served_before: Deployment
) -> None:
    page = responder.get("/now", {"service": "shop-apx"})
    assert page.status_code == 404
    assert "“shop-apx”" in text(page)
    assert address(served_before.service, served_before) in page.content.decode()


def test_a_name_of_several_services_is_a_question(responder: Client, served_before: Deployment) -> None:
    Service.objects.filter(pk=served_before.service_id).update(name="shop")
    factories.service(slug="other", name="shop")
    page = responder.get("/now", {"service": "shop"})
    assert page.status_code == 200
    assert "is the name of several services" in text(page)


def test_a_monitors_spelling_of_the_name_is_understood(responder: Client, served_before: Deployment) -> None:
    assert "/services/shop-api/" in responder.get("/now", {"service": "Shop Api"}).headers["Location"]


def test_where_an_operation_is_under_way_it_says_so(responder: Client, served_before: Deployment) -> None:
    factories.change(served_before.service, served_before)
    page = responder.get("/now", {"service": "shop-api"})
    assert page.status_code == 200
    assert "has an operation under way" in text(page)


def test_what_the_link_says_wrong_is_named_in_the_dialog(
    responder: Client, served_before: Deployment
) -> None:
    page = responder.get("/now", {"service": "shop-api", "since": "soon"}, follow=True)
    assert "since=soon in the link is no time" in text(page)


def test_whoever_is_not_signed_in_comes_back_to_it(client: Client, served_before: Deployment) -> None:
    location = client.get("/now", {"service": "shop-api", "incident": "INC-412"}).headers["Location"]
    assert parse_qs(urlsplit(location).query)["next"] == ["/now?service=shop-api&incident=INC-412"]


def test_it_suggests_the_last_known_good_one_with_its_reason(
    responder: Client, served_before: Deployment
) -> None:
    good = factories.deployment(
        served_before.service,
        "Known good",
        created_at=factories.ago(hours=9),
        live_seconds=11_400,
        live_requests=9_000,
        live_errors=9,
        live_source="provider",
    )
    page = responder.get("/now", {"service": "shop-api", **LINK}, follow=True)
    assert page.redirect_chain[0][0].startswith(address(served_before.service, good))
    assert "Suggested: it was live 3 h 10 min at 0.1% 5xx until" in text(page)
    factories.live(factories.service("web", display_name="Web"))
    assert "which was live 3 h 10 min at 0.1% 5xx until" in text(responder.get("/now"))


def test_a_viewer_sees_why_not(viewer: Client, served_before: Deployment) -> None:
    assert "You may look, but not do this" in text(viewer.get("/now", {"service": "shop-api"}, follow=True))


def test_more_services_need_no_more_queries(responder: Client, served_before: Deployment) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            responder.get("/now")
        return len(captured)

    factories.live(factories.service("web", display_name="Web"))
    responder.get("/now")
    few = queries()
    for number in range(5):
        factories.live(factories.service(display_name=f"More {number}"))
    assert queries() == few
