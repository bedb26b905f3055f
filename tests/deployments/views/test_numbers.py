"""The numbers of a service as a panel, as a page of their own, and as the answer to a poll."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from deployments.metrics.storage import Point, bucket, save_points
from deployments.models import LivePeriod, MetricSource, Service
from rollback_portal.jobs import clock
from tests import factories
from tests.dbtools import rollback_rows
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
NUMBERS = "/services/shop-api/numbers/"
HTMX = {"HX-Request": "true"}
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture
def measured(live_api: Service) -> Service:
    """An API with half an hour of numbers."""
    now = bucket(clock.now(), 60)
    save_points(
        Point(
            live_api.pk,
            MetricSource.PROVIDER,
            now - number * timedelta(seconds=30),
            100,
            1,
            40,
            300,
            0.2,
            4e8,
        )
        for number in range(60)
    )
    return live_api


def drawn(answer: Any) -> Any:
    found = re.search(
        r'<script id="numbers-data" type="application/json">(.*?)</script>', answer.content.decode()
    )
    assert found
    return json.loads(found[1])


def test_the_service_page_has_the_charts_in_words_and_as_tables_without_any_script(
    responder: Client, measured: Service
) -> None:
    page = responder.get("/services/shop-api/", {"range": "1h"})
    said = text(page)
    assert "5xx share: 1.0% median, highest 1.0% at" in said
    assert "CPU by 1 min, measured by the provider, newest first; times in UTC" in said
    assert "200 2 1.0% 1.0%" in said
    html = page.content.decode()
    assert html.count('<caption class="small soft">') == 5
    assert html.count('<th scope="row"><time') >= 300


def test_the_ranges_are_links_that_keep_the_rest_of_the_address(responder: Client, measured: Service) -> None:
    html = responder.get("/services/shop-api/", {"text": "a&b", "range": "2d"}).content.decode()
    assert 'href="?text=a%26b&amp;range=14d#numbers"' in html
    chosen = re.search(r'href="\?text=a%26b&amp;range=2d#numbers"\s+aria-current="true"', html)
    assert chosen
    assert f'hx-get="{NUMBERS}?range=2d"' in html


@pytest.mark.parametrize(("name", "points"), [("1h", 120), ("6h", 360), ("2d", 576), ("14d", 504)])
def test_each_range_answers_with_so_many_points_at_most(
    responder: Client, measured: Service, name: str, points: int
) -> None:
    found = drawn(responder.get(NUMBERS, {"range": name}, headers=HTMX))
    assert set(found["charts"]) == {"errors", "traffic", "latency", "cpu", "memory"}
    for chart in found["charts"].values():
        for line in chart["lines"]:
            assert len(line["values"]) == found["steps"] <= points
    assert max(filter(None, found["charts"]["errors"]["lines"][0]["values"])) == 1.0


def test_a_range_that_does_not_exist_is_named_and_nothing_breaks(
    responder: Client, measured: Service
) -> None:
    page = responder.get(NUMBERS, {"range": HOSTILE[:30]})
    assert page.status_code == 200
    assert "There is no range “" in text(page)
    assert b"<script>alert" not in page.content
    assert "only 1h, 6h, 2d, 14d; this is 6 h." in text(page)


def test_a_poll_gets_the_panel_and_204_while_nothing_has_changed(
    responder: Client, measured: Service
) -> None:
    panel = responder.get(NUMBERS, {"range": "14d"}, headers=HTMX)
    html = panel.content.decode()
    assert "<html" not in html
    assert html.lstrip().startswith('<div id="numbers-panel"')
    seen = re.search(r'"X-Seen": "(\w+)"', html)
    assert seen
    headers = {**HTMX, "X-Seen": seen[1]}
    assert responder.get(NUMBERS, {"range": "14d"}, headers=headers).status_code == 204
    factories.change(measured, factories.deployment(measured), status="failed")
    assert responder.get(NUMBERS, {"range": "14d"}, headers=headers).status_code == 200


def test_hostile_names_are_only_text_in_the_marks_and_in_what_the_script_gets(
    responder: Client, measured: Service
) -> None:
    hostile = factories.deployment(measured, commit_message=HOSTILE)
    LivePeriod.objects.create(service=measured, deployment=hostile, since=factories.ago(minutes=5))
    recent = [{"name": HOSTILE, "at": factories.ago(minutes=4).isoformat()}]
    rollback_rows.database("shop", facts={"recent": recent})
    operation = factories.operation(incident=HOSTILE[:100], incident_began_at=factories.ago(minutes=6))
    factories.change(measured, hostile, operation=operation, status="failed")
    page = responder.get(NUMBERS, {"range": "1h"})
    html = page.content.decode()
    assert "<script>alert" not in html
    assert "<img" not in html
    words = [mark["words"] for mark in drawn(page)["marks"]]
    assert sum(HOSTILE[:60] in word for word in words) >= 3
    assert {mark["kind"] for mark in drawn(page)["marks"]} == {
        "deployment",
        "operation",
        "incident",
        "migration",
    }


def test_whoever_may_look_sees_numbers_and_strangers_do_not(viewer: Client, measured: Service) -> None:
    assert "5xx share" in text(viewer.get(NUMBERS))
    stranger = Client().get(NUMBERS)
    assert (stranger.status_code, stranger.url) == (302, f"/accounts/login/?next={NUMBERS}")  # type: ignore[attr-defined]
    assert viewer.post(NUMBERS).status_code == 405
    assert viewer.get("/services/nope/numbers/").status_code == 404


def test_no_data_is_said_and_is_not_zero(responder: Client, live_api: Service) -> None:
    page = responder.get(NUMBERS)
    assert text(page).count("No data.") == 5
    assert "Nothing was measured in this time" in text(page)
    assert drawn(page)["charts"] == {}
    assert "0%" not in text(page)


def test_the_statements_of_an_answer_do_not_grow(
    client_as: Callable[..., Client], measured: Service, django_assert_max_num_queries: Any
) -> None:
    client = client_as("viewer")
    client.get(NUMBERS)
    for number in range(3):
        for _ in range(10 * number):
            hostile = factories.deployment(measured)
            LivePeriod.objects.create(service=measured, deployment=hostile, since=clock.now())
            factories.change(measured, hostile, status="failed")
        for name in ("1h", "14d"):
            with django_assert_max_num_queries(9):  # session, person, service, and six of the panel
                client.get(NUMBERS, {"range": name}, headers=HTMX)
