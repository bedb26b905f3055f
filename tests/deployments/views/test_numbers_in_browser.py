"""The charts in a real Chromium, under the strict content security policy, in both schemes and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from statistics import fmean
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from deployments.metrics.storage import Point, bucket, save_points
from deployments.models import LivePeriod, MetricSource, Service
from rollback_portal.env import ROOT
from rollback_portal.jobs import clock
from tests import factories
from tests.deployments.views.browser import signed_in
from tests.journeys.axe import findings

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
VENDORED = ROOT / "static/js/vendor/uplot"
PUBLISHED = {  # of uplot 1.6.32 at npm
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
# The colours of a chart; the background is transparent.
INK = """name => {
  const canvas = document.querySelector(`[data-chart=${name}] canvas`);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 200) seen.add(data.slice(at, at + 3).join());
  return [...seen];
}"""


@pytest.fixture
def page(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    with signed_in(live_server.url, monkeypatch, timezone="America/New_York") as opened:
        yield opened


@pytest.fixture
def measured(transactional_db: None) -> Service:
    """Fifty minutes of numbers with a gap, and a mark of each kind but one."""
    factories.provider_status("render")
    service = factories.service("api", display_name="API")
    live = factories.live(service, "Faster checkout totals")
    LivePeriod.objects.create(service=service, deployment=live, since=factories.ago(minutes=14))
    operation = factories.operation(incident_began_at=factories.ago(minutes=10))
    factories.change(service, factories.deployment(service), operation=operation, status="failed")
    add(service, 100, 40, errors=1)
    add(service, 30, 2, errors=8)
    return service


def add(service: Service, first: int, last: int, errors: float) -> None:
    """A point every 30 s, from so many half minutes ago until so many half minutes ago."""
    now = bucket(clock.now(), 30)
    save_points(
        Point(
            service.pk,
            MetricSource.PROVIDER,
            now - number * timedelta(seconds=30),
            100,
            errors,
            40,
            300,
            0.2,
            4e8,
        )
        for number in range(last, first)
    )


def test_the_charts_are_drawn_in_both_schemes_and_the_policy_has_nothing_to_say(
    page: Page, measured: Service
) -> None:
    page.emulate_media(color_scheme="light")
    page.goto("/services/shop-api/?range=1h")
    expect(page.locator(".plot canvas")).to_have_count(5)
    light = page.evaluate(INK, "errors")
    assert len(light) > 5
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"before => ({INK})('errors').join() !== before", arg=",".join(light))
    dark = page.evaluate(INK, "errors")
    assert len(dark) > 5
    assert brightness(dark) > brightness(light)
    assert page.locator("style").count() == 0
    assert page.evaluate("performance.getEntriesByName('charts-drawn').length") == 1


def brightness(colours: list[str]) -> float:
    return fmean(int(part) for colour in colours for part in colour.split(","))


def test_a_point_is_read_off_in_utc_wherever_the_reader_is(page: Page, measured: Service) -> None:
    page.goto("/services/shop-api/?range=1h")
    over = page.locator("[data-chart=errors] .u-over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.92, box["y"] + 20)
    shown = page.locator("[data-chart=errors] .u-value")
    expect(shown.nth(1)).to_have_text("8%")
    at = page.evaluate("JSON.parse(document.getElementById('numbers-data').textContent).from")
    hour = page.evaluate("at => new Date(at * 1000).toISOString().slice(11, 13)", at + 3300)
    expect(shown.nth(0)).to_contain_text(f" {hour}:")
    expect(page.locator("[data-chart=cpu] .u-value").nth(1)).to_have_text("0.2 cores")


def test_new_numbers_arrive_without_taking_the_table_or_the_chart_away(page: Page, measured: Service) -> None:
    page.goto("/services/shop-api/numbers/?range=1h")
    page.locator("#summary-errors").click()
    page.locator("#summary-errors").focus()
    expect(page.get_by_role("table", name="5xx share by 1 min")).to_be_visible()
    page.evaluate("document.querySelector('[data-chart=errors] canvas').mine = true")
    page.evaluate("document.getElementById('rows-errors').scrollTop = 120")
    add(measured, 2, 0, errors=90)
    with page.expect_response(lambda answer: "/numbers/" in answer.url) as asked:
        page.evaluate("htmx.trigger(document.body, 'wake')")
    assert asked.value.status == 200
    expect(page.locator("#numbers-panel")).to_contain_text("highest 90.0%")
    assert page.evaluate("document.querySelector('[data-chart=errors] canvas').mine") is True
    expect(page.locator("#table-errors")).to_have_attribute("open", "")
    assert page.evaluate("document.activeElement.id") == "summary-errors"
    assert page.evaluate("document.getElementById('rows-errors').scrollTop") == 120
    expect(page.locator(".plot canvas")).to_have_count(5)


def test_on_a_phone_nothing_is_wider_than_the_page_and_ranges_are_reached_by_keyboard(
    page: Page, measured: Service
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/services/shop-api/numbers/?range=1h")
    expect(page.locator(".plot canvas")).to_have_count(5)
    page.locator("#summary-errors").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("link", name="1 h", exact=True).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="6 h", exact=True)).to_have_attribute("aria-current", "true")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.wait_for_function("document.querySelector('[data-chart=errors] .uplot').offsetWidth > 400")


def test_axe_finds_nothing_with_the_tables_open(page: Page, measured: Service) -> None:
    page.goto("/services/shop-api/?range=1h")
    for summary in page.locator("#numbers-panel summary").all():
        summary.click()
    assert findings(page, "service with charts") == []


def test_the_vendored_library_is_the_published_one_with_its_licence() -> None:
    found = {name: sha256((VENDORED / name).read_bytes()).hexdigest() for name in PUBLISHED}
    assert found == PUBLISHED
    assert "Leon Sorokin" in (VENDORED / "LICENSE").read_text()
