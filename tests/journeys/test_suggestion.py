"""What is suggested: from an alert on a phone in two touches, and never a commit that is marked bad."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from rollback_portal.processes.supervised import wait_until
from tests.journeys.axe import findings
from tests.journeys.conftest import Visit
from tests.journeys.installation import READ_WITHIN, Installation
from tests.journeys.test_input_methods import PHONE
from tests.journeys.visitor import Visitor

pytestmark = pytest.mark.journey

INCIDENT = "Faster checkout totals"
LINK = "/now?service=shop-api&incident=INC-412&reason=errors"
COUNT_TOUCHES = """addEventListener("touchstart", () => {
  sessionStorage.touches = Number(sessionStorage.touches ?? 0) + 1;
}, {capture: true})"""


def test_alert_link_on_a_phone_to_accepted_in_two_touches(installation: Installation, visit: Visit) -> None:
    ana = visit("ana", **PHONE)
    ana.page.add_init_script(COUNT_TOUCHES)
    ana.page.goto(LINK)  # the first touch: on the link in the alert
    expect(ana.headline).to_have_text(re.compile("^Roll back API to "))
    expect(ana.page.get_by_text("Suggested: it ")).to_be_visible()
    assert ana.widest() <= 390
    ana.page.get_by_role("button", name=re.compile("^Roll back API to ")).tap()  # the second one
    ana.page.wait_for_url("**/operations/*/")
    assert wait_until(lambda: bool(installation.received()), READ_WITHIN)
    assert ana.page.evaluate("sessionStorage.touches") == "1"
    assert [(who, what) for who, what, _ in installation.received()] == [("render", "rollback")]
    ana.see_the_end(re.compile("^API was rolled back to "))
    expect(ana.page.get_by_text("INC-412").first).to_be_visible()


def test_the_bad_commit_rebuilt_and_refused(installation: Installation, visit: Visit) -> None:
    ana = visit("ana")
    found = findings(ana.page, "the suggestion in an incident")
    _takes_the_suggestion(ana)
    _the_web_builds_on(installation)
    ana.page.goto("/")
    rebuilt = ana.deployment("web", INCIDENT)
    expect(rebuilt).to_contain_text("BAD")
    expect(rebuilt).to_contain_text("marked bad; open it to bring it back all the same")
    expect(rebuilt).not_to_contain_text(re.compile("PREVIOUS|LAST KNOWN GOOD"))
    expect(rebuilt.get_by_role("link", name="Roll back to this")).to_have_count(0)
    identity = (rebuilt.get_by_role("link", name=INCIDENT).get_attribute("href") or "").split("/")[-2]
    suggested = ana.page.get_by_role("link", name="Roll back Web", exact=True)
    expect(suggested).not_to_have_attribute("href", re.compile(identity))
    expect(ana.page.locator(".button[data-kind=main]")).to_have_count(0)  # the web is well, the API is pinned
    _asks_whoever_opens_it_all_the_same(ana)
    assert [(who, what) for who, what, _ in installation.received()] == [("render", "rollback")]
    assert found + findings(ana.page, "the dialog of a bad commit") == []


def _takes_the_suggestion(ana: Visitor) -> None:
    """The only filled button; the commit that it takes away is marked bad unless somebody says otherwise."""
    expect(ana.card("API")).to_contain_text("FAILING")
    button = ana.page.get_by_role("link", name="Roll back API", exact=True)
    expect(ana.page.locator("a.button[data-kind=main]")).to_have_count(1)
    expect(button).to_have_attribute("data-kind", "main")
    button.click()
    ana.see_dialog(re.compile("^Roll back API to "))
    ana.give_reason()
    ana.confirm(re.compile("^Roll back API to "))
    ana.see_the_end(re.compile("^API was rolled back to "))


def _the_web_builds_on(installation: Installation) -> None:
    """The web had built the same commit; with the next push one could go back to that build."""
    before = installation.service("shop-web")["serving"]
    installation.provider_event("pushes", "shop-web", message="Fix checkout totals", author="bo")
    assert wait_until(lambda: installation.service("shop-web")["serving"] != before, READ_WITHIN)
    installation.read_now()


def _asks_whoever_opens_it_all_the_same(ana: Visitor) -> None:
    ana.deployment("web", INCIDENT).get_by_role("link", name=INCIDENT).first.click()
    ana.page.get_by_role("link", name="Roll back to this").click()
    ana.see_dialog(re.compile("^Roll back Web to "))
    expect(ana.dialog).to_contain_text("MARKED BAD")
    ana.give_reason("the web needs it")
    ana.page.get_by_role("button", name=re.compile("^Roll back Web to ")).click()
    expect(ana.dialog).to_contain_text("Nothing was started: tick the box")
    ana.excuse(409)
