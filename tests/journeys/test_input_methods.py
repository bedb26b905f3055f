"""The same rollback without scripts, without a mouse, and with a thumb."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visit
from tests.journeys.installation import Installation
from tests.journeys.visitor import Visitor

pytestmark = pytest.mark.journey

PHONE = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 1,
}
THUMB = 44  # px
TARGETS = """() => [...document.querySelectorAll(
  "button, .button, nav a, summary, select, textarea, .chips label, label.check, "
  + "input:not([type=hidden], [type=radio], [type=checkbox])"
)].filter(one => one.checkVisibility({visibilityProperty: true}) && one.getBoundingClientRect().width > 1)
  .map(one => ({what: one.outerHTML.slice(0, 160), ...one.getBoundingClientRect().toJSON()}))"""


def test_without_scripts_the_forms_and_reloads_do_it(installation: Installation, visit: Visit) -> None:
    bo = visit("bo", java_script_enabled=False)
    bo.act("api", "Fix login rate limit").click()
    expect(bo.headline).to_have_text(re.compile("^Roll back API to .* “Fix login rate limit”\\?$"))
    bo.give_reason("500s on checkout")
    bo.confirm(re.compile("^Roll back API to "))
    expect(bo.page.get_by_role("heading", name="Steps")).to_be_visible()
    bo.see_the_end(re.compile("^API was rolled back to"))  # the page reloads itself
    assert bo.page.locator("meta[http-equiv=refresh]").count() == 1  # for the verdict, which may turn
    assert [(who, what) for who, what, _ in installation.received()] == [("render", "rollback")]
    bo.page.get_by_role("link", name="Leave the rollback…").click()
    expect(bo.headline).to_have_text("Leave the rollback of API?")
    bo.confirm("Leave the rollback of API")
    bo.see_the_end("The rollback of API was left")
    assert installation.service("shop-api")["auto_deploy"] == "checksPass"


def test_the_keyboard_alone_reaches_opens_closes_and_sends(installation: Installation, visit: Visit) -> None:
    bo = visit("bo")
    posts: list[str] = []
    bo.page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    press = bo.page.keyboard.press
    press("w")
    press("j")
    candidate = bo.deployment("web", "Fix price rounding")
    expect(candidate.get_by_role("link", name="Fix price rounding")).to_be_focused()
    press("r")
    bo.see_dialog(re.compile("^Roll back Web to .* “Fix price rounding”\\?$"))
    expect(bo.page.get_by_role("radio", name="Error rate up")).to_be_focused()
    press("Escape")
    expect(bo.dialog).to_have_count(0)
    expect(bo.act("web", "Fix price rounding")).to_be_focused()
    press("r")
    bo.see_dialog(re.compile("^Roll back Web to "))
    expect(bo.page.get_by_role("radio", name="Error rate up")).to_be_focused()
    press("ArrowDown")
    expect(bo.page.get_by_role("radio", name="Major feature broken")).to_be_checked()
    _types_and_sends(bo, posts)
    bo.see_the_end(re.compile("^Web was rolled back to"))
    assert [(who, what) for who, what, _ in installation.received()] == [("vercel", "rollback")]


def _types_and_sends(bo: Visitor, posts: list[str]) -> None:
    """Enter is a new line or nothing; only Ctrl+Enter sends the form."""
    keyboard = bo.page.keyboard
    keyboard.press("Tab")
    keyboard.type("basket is empty")
    keyboard.press("Enter")
    keyboard.type("r is only a letter here")
    keyboard.press("Tab")
    expect(bo.page.get_by_role("textbox", name=re.compile("^Incident"))).to_be_focused()
    keyboard.type("INC-412")
    keyboard.press("Enter")
    words = bo.page.get_by_role("textbox", name="The reason in your own words")
    expect(words).to_have_value("basket is empty\nr is only a letter here")
    expect(bo.dialog).to_be_visible()
    assert posts == []
    keyboard.press("Control+Enter")
    bo.page.wait_for_url("**/operations/*/")
    assert len(posts) == 1


def test_a_thumb_on_a_phone_does_it_without_scrolling_sideways(
    installation: Installation, visit: Visit
) -> None:
    ana = visit("ana", **PHONE)
    _fits(ana)
    assert ana.top_of(ana.card("API")) < 844  # it begins on the first screen
    assert ana.top_of(ana.card("API")) < ana.top_of(ana.card("Web"))
    ana.act("api", "Speed up category pages").tap()
    ana.see_dialog(re.compile("^Roll back API to "))
    _fits(ana)
    ana.page.get_by_role("radio", name="Unstable or unavailable").locator("xpath=..").tap()
    ana.page.get_by_role("button", name=re.compile("^Roll back API to ")).tap()
    ana.page.wait_for_url("**/operations/*/")
    ana.see_the_end(re.compile("^API was rolled back to .* “Speed up category pages”$"))
    _fits(ana)
    assert [(who, what) for who, what, _ in installation.received()] == [("render", "rollback")]
    deployment = ana.page.url
    for address in (
        "/",
        "/services/shop-api/",
        "/services/",
        "/services/shop-api/edit/",
        "/operations/",
        "/audit/",
    ):
        ana.page.goto(address)
        _fits(ana)
    ana.page.goto(deployment)
    ana.page.get_by_role("link", name="Leave the rollback…").tap()
    expect(ana.headline).to_have_text("Leave the rollback of API?")
    _fits(ana)


def _fits(visitor: Visitor) -> None:
    """Nothing is wider than the screen, and every control is large enough for a thumb."""
    assert visitor.widest() <= 390
    small = [
        (round(box["width"]), round(box["height"]), box["what"])
        for box in visitor.page.evaluate(TARGETS)
        if box["height"] < THUMB - 0.5 or box["width"] < THUMB - 0.5
    ]
    assert small == []
