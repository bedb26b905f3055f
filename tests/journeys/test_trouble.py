"""In the middle of an incident: a provider that is down, and a session that ends."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visit
from tests.journeys.installation import Installation
from tests.journeys.visitor import Visitor

pytestmark = pytest.mark.journey


def test_a_provider_that_is_down_leaves_its_snapshot_and_the_other_side_untouched(
    installation: Installation, visit: Visit
) -> None:
    ana = visit("ana")
    ana.page.evaluate("window.openedOnce = true")
    installation.add_fault("render.*", "error", detail="503")
    installation.read_now()
    bar = ana.bar("Render data is old")
    expect(bar).to_contain_text("RENDER IS NOT ANSWERING PROPERLY")
    expect(bar).to_contain_text("The data of API was last read from Render")
    expect(bar).to_contain_text("Vercel is not affected")
    expect(bar.locator("time[data-age]")).to_have_text(re.compile(r"^\d+ (s|min)$"))
    expect(ana.card("API")).to_contain_text("Faster checkout totals")
    expect(ana.act("api", "Fix login rate limit")).to_be_visible()
    expect(ana.card("Web")).to_contain_text("SERVED AS LIVE")
    expect(ana.bar("Vercel data is old")).to_have_count(0)
    assert ana.page.evaluate("window.openedOnce")
    installation.calm()
    installation.read_now()
    expect(bar).to_have_count(0)
    assert installation.received() == []


def test_a_session_that_ends_sends_the_whole_page_to_sign_in_and_back(
    installation: Installation, visit: Visit
) -> None:
    ana = visit("ana")
    installation.pace(aliases=6)
    ana.act("web", "Fix price rounding").click()
    ana.give_reason()
    ana.confirm(re.compile("^Roll back Web to "))
    operation = ana.page.url
    _signs_in_again(ana, installation)
    assert ana.page.url == operation
    ana.see_the_end(re.compile("^Web was rolled back to"))
    assert [(who, what) for who, what, _ in installation.received()] == [("vercel", "rollback")]
    ana.page.goto("/services/shop-web/?text=price")
    _signs_in_again(ana, installation)
    assert ana.page.url.endswith("/services/shop-web/?text=price")


def test_a_confirmation_after_the_sign_in_ended_sends_nothing_and_keeps_what_was_typed(
    installation: Installation, visit: Visit
) -> None:
    bo = visit("bo")
    bo.act("api", "Fix login rate limit").click()
    bo.give_reason("the basket is empty", choice="Major feature broken")
    bo.context.clear_cookies(name="sessionid")
    bo.page.get_by_role("button", name=re.compile("^Roll back API to ")).click()
    bo.page.wait_for_url("**/accounts/login/**")
    expect(bo.page.get_by_text("Your sign-in has ended, so nothing was started or changed.")).to_be_visible()
    bo.fill_in_sign_in("bo", installation.passwords["bo"])
    expect(bo.headline).to_have_text(re.compile("^Roll back API to .* “Fix login rate limit”\\?$"))
    expect(bo.page.get_by_role("radio", name="Major feature broken")).to_be_checked()
    expect(bo.page.get_by_role("textbox", name="The reason in your own words")).to_have_value(
        "the basket is empty"
    )
    expect(bo.page.get_by_role("textbox", name=re.compile("^Incident"))).to_have_value("INC-412")
    assert installation.received() == []
    bo.confirm(re.compile("^Roll back API to "))
    _cancels_after_the_sign_in_ended(bo, installation)


def _cancels_after_the_sign_in_ended(bo: Visitor, installation: Installation) -> None:
    """The cancel is not repeated after the sign-in, which returns to the operation's page."""
    operation = bo.page.url
    bo.see_the_end(re.compile("^API was rolled back to"))
    bo.page.get_by_role("link", name="Leave the rollback…").click()
    bo.context.clear_cookies(name="sessionid")
    bo.page.get_by_role("button", name="Leave the rollback of API").click()
    bo.page.wait_for_url("**/accounts/login/**")
    bo.fill_in_sign_in("bo", installation.passwords["bo"])
    expect(bo.headline).to_have_text("Leave the rollback of API?")
    assert installation.service("shop-api")["auto_deploy"] == "off"
    bo.page.goto(operation)
    assert [(who, what) for who, what, _ in installation.received()] == [("render", "rollback")]


def _signs_in_again(ana: Visitor, installation: Installation) -> None:
    """End the session; the next poll replaces the whole page by the sign-in page."""
    ana.context.clear_cookies(name="sessionid")
    ana.page.wait_for_url(re.compile(r"/accounts/login/\?next=/"))
    expect(ana.headline).to_have_text("Sign in")
    expect(ana.page.get_by_role("article")).to_have_count(0)
    ana.fill_in_sign_in("ana", installation.passwords["ana"])
    ana.page.wait_for_url(lambda url: "/accounts/" not in url)
