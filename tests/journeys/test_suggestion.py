"""The suggestion in an incident, and a commit that is marked bad: its other build is refused."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from rollback_portal.processes.supervised import wait_until
from tests.journeys.axe import findings
from tests.journeys.conftest import Visit
from tests.journeys.installation import READ_WITHIN, Installation
from tests.journeys.visitor import Visitor

pytestmark = pytest.mark.journey

INCIDENT = "Faster checkout totals"


def test_the_bad_commit_rebuilt_and_refused(installation: Installation, visit: Visit) -> None:
    ana = visit("ana")
    expect(ana.card("API")).to_contain_text("FAILING")
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
    ana.dialog.get_by_role("radio", name="Error rate up").check()
    ana.dialog.get_by_role("textbox", name="The reason in your own words").fill("the web needs it")
    ana.page.get_by_role("button", name=re.compile("^Roll back Web to ")).click()
    answer = ana.dialog.get_by_role("checkbox", name="Yes, put it in front of users all the same")
    assert answer.evaluate("box => box.validity.valueMissing")
    expect(ana.dialog).to_be_visible()
