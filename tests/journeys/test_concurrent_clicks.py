"""Two people at the same moment, and data that has changed by the time of the click."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visit
from tests.journeys.installation import Installation
from tests.journeys.visitor import Visitor
from tests.rollback_portal.local.running_portal import wait_for

pytestmark = pytest.mark.journey

PRESS_AT = """at => {
  const button = document.querySelector("dialog button[type=submit]:not([disabled])");
  setTimeout(() => button.click(), at - Date.now());
}"""


def test_two_people_click_at_once_and_the_second_is_shown_the_first(
    installation: Installation, visit: Visit
) -> None:
    both = (visit("ana"), visit("bo"))
    for person in both:
        person.act("api", "Fix login rate limit").click()
        person.give_reason()
    moment = time.time() * 1000 + 400
    for person in both:
        person.page.evaluate(PRESS_AT, moment)
    for person in both:
        person.page.wait_for_url("**/operations/*/")
    assert both[0].page.url == both[1].page.url
    notices = [
        person.page.get_by_text(re.compile("was faster: here is the operation under way")) for person in both
    ]
    assert sorted(notice.count() for notice in notices) == [0, 1]
    second = next(notice for notice in notices if notice.count())
    expect(second).to_contain_text(
        re.compile("^(Ana Ruiz|Bo Lind) was faster: .* Yours was not started.$"), use_inner_text=True
    )
    for person in both:
        person.see_the_end(re.compile("^API was rolled back to .* “Fix login rate limit”$"))
    assert [(who, what) for who, what, _ in installation.received()] == [("render", "rollback")]
    _the_second_is_on_record(both[0])


def _the_second_is_on_record(ana: Visitor) -> None:
    ana.page.goto("/audit/?action=rollback")
    expect(ana.page.get_by_role("row").filter(has_text="rollback requested")).to_have_count(1)
    refused = ana.page.get_by_role("row").filter(has_text="rollback refused")
    expect(refused).to_have_count(1)
    expect(refused).to_contain_text("has an operation under way on API")


def test_a_live_deployment_that_changed_before_the_click_is_shown_and_nothing_is_sent(
    installation: Installation, visit: Visit
) -> None:
    ana = visit("ana")
    other = re.search(
        r"/deployments/([^/]+)/", ana.act("web", "Speed up category pages").get_attribute("href") or ""
    )
    assert other
    ana.act("web", "Fix price rounding").click()
    ana.give_reason("the basket is empty")
    installation.provider_event("rolls_back", "shop-web", deployment=other[1], actor="chioma")
    wait_for(lambda: installation.service("shop-web")["auto_deploy"] == "off", 60)  # the domains have moved
    installation.read_now()
    ana.page.get_by_role("button", name=re.compile("^Roll back Web to ")).click()
    alert = ana.dialog.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(alert).to_be_in_viewport(ratio=1)  # a person who does not see it would press again and send it
    expect(alert).to_contain_text("CHANGED SINCE YOU OPENED THIS Nothing was started.")
    expect(alert).to_contain_text(
        re.compile(r"Live was \w{7} “Faster checkout totals” .* now it is \w{7} “Speed up category pages”"),
        use_inner_text=True,
    )
    expect(alert).to_contain_text("Automatic deploys were “on” when you opened this; now they are “off”.")
    expect(ana.definition("From", ana.dialog)).to_contain_text("“Speed up category pages”")
    expect(ana.page.get_by_role("textbox", name="The reason in your own words")).to_have_value(
        "the basket is empty"
    )
    expect(ana.page.get_by_role("radio", name="Error rate up")).to_be_checked()
    ana.excuse(409)
    ana.page.keyboard.press("Escape")
    expect(ana.bar("Web is pinned")).to_contain_text(
        "by chioma@example.com, outside the portal, no reason given"
    )
    expect(ana.card("Web")).to_contain_text("Speed up category pages")
    assert installation.received() == []
