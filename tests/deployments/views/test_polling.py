"""Polling: an empty answer while nothing has changed, and a number of queries that does not grow."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments.models import Change, Deployment, Pin, ProviderStatus, Service
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def seen(responder: Client, address: str = "/") -> str:
    version: str = responder.get(address).context["board"].version
    return version


def asked(responder: Client, version: str, address: str = "/") -> Any:
    return responder.get(address, headers={**HTMX, "X-Seen": version})


def test_an_unchanged_page_gets_no_content_but_the_times_that_ages_are_counted_from(
    responder: Client, live_api: Service
) -> None:
    version = seen(responder)
    ProviderStatus.objects.update(synced_at=factories.ago(seconds=1))
    answer = asked(responder, version)
    assert answer.status_code == 204
    assert answer.content == b""
    times = json.loads(answer.headers["HX-Trigger"])["fresh"]["times"]
    assert times["read-render"] == ProviderStatus.objects.get().synced_at.isoformat()  # type: ignore[union-attr]
    assert times[f"service-{live_api.pk}"] == Service.objects.get().synced_at.isoformat()  # type: ignore[union-attr]


NEWS = {
    "a new deployment": lambda live_api: factories.deployment(
        live_api, "Hide the broken button", created_at=factories.ago()
    ),
    "another live one": lambda live_api: factories.live(live_api, "Fix price rounding"),
    "a status": lambda live_api: Deployment.objects.filter(service=live_api).update(status="failed"),
    "a pin": lambda live_api: factories.pin(live_api),
    "an operation": lambda live_api: factories.change(
        live_api, factories.deployment(live_api), status="queued"
    ),
    "an answer from outside": lambda live_api: Service.objects.update(
        version_check_sha="abc", version_check_total=5
    ),
    "a doubt": lambda live_api: Service.objects.update(live_conflict="Two are live."),
    "a provider's error": lambda live_api: ProviderStatus.objects.update(error="Render did not answer."),
    "data that grew old": lambda live_api: ProviderStatus.objects.update(synced_at=factories.ago(minutes=6)),
    "a setting": lambda live_api: Service.objects.update(auto_deploy="off"),
}


@pytest.mark.parametrize("news", NEWS.values(), ids=NEWS.keys())
def test_whatever_has_changed_is_sent_again(responder: Client, live_api: Service, news: Any) -> None:
    version = seen(responder)
    news(live_api)
    answer = asked(responder, version)
    assert answer.status_code == 200
    assert b"<!doctype html>" not in answer.content
    assert b'id="list"' in answer.content
    assert b'hx-swap-oob="true"' in answer.content
    assert answer.context["board"].version != version


def test_the_fragment_leaves_the_filters_alone_so_that_no_typed_word_is_lost(
    responder: Client, live_api: Service
) -> None:
    assert b'id="filters"' not in responder.get("/", headers=HTMX).content
    assert b'id="filters"' in responder.get("/").content


def test_the_fragment_goes_on_asking_for_the_filtered_page(responder: Client, live_api: Service) -> None:
    html = responder.get("/", {"text": "rounding", "author": ""}, headers=HTMX).content.decode()
    assert 'hx-get="/?text=rounding"' in html
    assert 'hx-trigger="every 5s' in html


def test_a_filter_chosen_by_htmx_is_in_the_address_without_empty_parameters(
    responder: Client, live_api: Service
) -> None:
    answer = responder.get(
        "/", {"text": "rounding", "author": "", "status": ""}, headers={**HTMX, "HX-Trigger": "filters"}
    )
    assert answer.headers["HX-Push-Url"] == "/?text=rounding"


def test_a_poll_does_not_write_into_the_history_of_the_browser(responder: Client, live_api: Service) -> None:
    assert "HX-Push-Url" not in responder.get("/", headers={**HTMX, "HX-Trigger": "now"}).headers


def test_a_page_asked_again_from_the_browsers_history_is_a_whole_page(
    responder: Client, live_api: Service
) -> None:
    assert b'"refreshOnHistoryMiss": true' in responder.get("/").content


def test_caches_know_that_page_and_fragment_differ(responder: Client, live_api: Service) -> None:
    assert "HX-Request" in responder.get("/").headers["Vary"]


def company(services: int, deployments: int) -> None:
    """Services with and without a partner service, with a pin and running operations."""
    for number in range(services):
        kind = "web" if number % 2 else "api"
        service = factories.service(kind, name=f"{kind}-{number}", group=f"pair-{number // 2}")
        rows = [
            factories.deployment(
                service, f"Change {each}", created_at=factories.ago(hours=each + 1), author="Bo Lind"
            )
            for each in range(deployments)
        ]
        factories.live(service, "Faster checkout totals")
        factories.pin(service, rows[0], rolled_back_from=rows[1])
        factories.change(service, rows[2], status="succeeded", from_deployment=rows[1])
        if number % 2 == 0:
            factories.change(service, rows[2], status="sending")


def queries(responder: Client, address: str) -> int:
    responder.get(address)  # once a minute it is noted that somebody is there
    with CaptureQueriesContext(connection) as caught:
        assert responder.get(address).status_code == 200
    return len(caught)


@pytest.mark.parametrize("address", ["/", "/services/", "/?show=all&text=Change"])
def test_queries_do_not_grow_with_services_or_deployments(
    responder: Client, address: str, django_assert_num_queries: Any
) -> None:
    factories.provider_status("render")
    factories.provider_status("vercel")
    company(2, 5)
    few = queries(responder, address)
    Pin.objects.all().delete()
    for model in (Change, Service):
        model.objects.all().delete()
    company(10, 200)
    with django_assert_num_queries(few):
        page = responder.get(address)
    assert page.status_code == 200
    assert few <= 33


def test_a_service_page_asks_as_many_queries_for_two_hundred_deployments_as_for_five(
    responder: Client,
) -> None:
    factories.provider_status("render")
    factories.provider_status("vercel")
    company(2, 5)
    few = queries(responder, "/services/api-0/")
    for each in range(5, 200):
        factories.deployment(
            Service.objects.get(slug="api-0"), f"Change {each}", created_at=factories.ago(hours=each + 1)
        )
    assert queries(responder, "/services/api-0/") == few
