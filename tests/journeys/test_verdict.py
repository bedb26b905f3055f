"""Did it help? The word after a rollback: recovered, not recovered with its next step, can't tell."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.journeys.axe import findings
from tests.journeys.conftest import Visit
from tests.journeys.installation import Installation
from tests.journeys.visitor import Visitor

pytestmark = pytest.mark.journey

TARGET = "Fix login rate limit"
JUDGED = 420_000.0  # ms: the newest point has to come, and two or three of them decide
WATCHED = 45_000.0  # ms without a word: four looks


def test_incident_rollback_the_line_falls_recovered(installation: Installation, visit: Visit) -> None:
    ana = visit("ana")
    expect(ana.card("API")).to_contain_text("FAILING", timeout=JUDGED)
    began = re.compile("(Errors|Slow answers) began .* deployment")
    expect(ana.card("API")).to_contain_text(began, timeout=JUDGED)
    verdict = _rolls_back(ana)
    expect(verdict).to_contain_text("CAN'T TELL YET")
    expect(ana.page).to_have_title(re.compile("^Can't tell yet: API was rolled back"))
    expect(ana.page.locator("#icon")).to_have_attribute("href", re.compile("plain"))
    ana.page.evaluate("window.openedOnce = true")
    expect(verdict.get_by_role("heading")).to_have_text("RECOVERED", timeout=JUDGED)
    assert ana.page.evaluate("window.openedOnce")  # without a reload
    expect(verdict).to_contain_text("5xx are")
    expect(verdict).to_contain_text(re.compile("watching until \\d\\d:\\d\\d"))
    expect(verdict.get_by_role("img").first).to_have_accessible_name(re.compile("^Share of errors"))
    expect(ana.page).to_have_title(re.compile("^Recovered: API was rolled back"))
    expect(ana.page.locator("#icon")).to_have_attribute("href", re.compile("done"))
    assert findings(ana.page, "recovered") == []
    _narrow(ana)
    _is_listed(ana, "RECOVERED")


def test_not_recovered_with_its_next_step(installation: Installation, visit: Visit) -> None:
    installation.start_anew()
    installation.provider_event("causes_trouble", "shop-api", error_rate=0.3, since=240)
    ana = visit("ana")
    verdict = _rolls_back(ana)
    expect(verdict.get_by_role("heading")).to_have_text("NOT RECOVERED", timeout=JUDGED)
    expect(ana.page).to_have_title(re.compile("^Not recovered: API was rolled back"))
    expect(ana.page.locator("#icon")).to_have_attribute("href", re.compile("bad"))
    steps = verdict.get_by_role("list", name="What to do next")
    expect(steps).to_contain_text("Go to an older candidate")
    expect(steps).to_contain_text("Look elsewhere")
    assert findings(ana.page, "not recovered") == []
    _is_listed(ana, "NOT RECOVERED")
    ana.page.go_back()
    steps.get_by_role("link", name=re.compile("^Roll back to ")).click()
    expect(ana.headline).to_have_text(re.compile("^Roll back API to "))


def test_with_little_traffic_nobody_can_tell_and_nothing_is_green(
    installation: Installation, visit: Visit
) -> None:
    installation.start_anew()
    installation.provider_event("changes_traffic", "shop-api", requests_per_second=0.02)
    installation.sql("DELETE FROM deployments_metricpoint")
    installation.sql("DELETE FROM deployments_metricrollup")
    ana = visit("ana")
    verdict = _rolls_back(ana)
    expect(verdict).to_contain_text("CAN'T TELL YET")
    ana.page.wait_for_timeout(WATCHED)
    expect(verdict).to_contain_text("CAN'T TELL YET")
    expect(verdict).to_contain_text(re.compile("too few|no numbers"))
    expect(ana.page.locator("#icon")).to_have_attribute("href", re.compile("plain"))
    assert findings(ana.page, "can't tell") == []
    _is_listed(ana, "CAN'T TELL YET")


def _rolls_back(ana: Visitor) -> Locator:
    """Roll the API back; return the part of the page that has the verdict."""
    ana.act("api", TARGET).click()
    ana.give_reason()
    ana.confirm(re.compile("^Roll back API to "))
    ana.see_the_end(re.compile(f"^API was rolled back to .* “{TARGET}”"))
    return ana.page.locator("#verdict")


def _narrow(ana: Visitor) -> None:
    ana.page.set_viewport_size({"width": 390, "height": 844})
    assert ana.widest() <= 390
    ana.page.set_viewport_size({"width": 1280, "height": 720})


def _is_listed(ana: Visitor, word: str) -> None:
    ana.page.get_by_role("link", name="Operations", exact=True).click()
    expect(ana.page.get_by_role("row").filter(has_text=word).first).to_be_visible()
