"""Ana on call: she rolls the API back and leaves the rollback; she rolls the web back and promotes a fix."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visit
from tests.journeys.installation import Installation
from tests.journeys.visitor import Visitor

pytestmark = pytest.mark.journey

INCIDENT, API_GOOD, WEB_GOOD = "Faster checkout totals", "Fix login rate limit", "Fix price rounding"
REASON = "500s on checkout since 13:51"


def test_the_api_is_rolled_back_watched_to_its_end_and_the_rollback_is_left(
    installation: Installation, visit: Visit
) -> None:
    ana = visit("ana")
    _sees_the_incident(ana)
    target = _opens_the_dialog(ana)
    ana.give_reason(REASON)
    ana.confirm(re.compile("^Roll back API to "))
    _watches_to_the_end(ana)
    assert installation.received() == [("render", "rollback", target)]
    assert installation.service("shop-api")["auto_deploy"] == "off"
    _sees_the_pin_and_the_record(ana)
    _leaves_the_rollback(ana)
    assert installation.received() == [("render", "rollback", target)]
    assert installation.service("shop-api")["auto_deploy"] == "checksPass"


def _sees_the_incident(ana: Visitor) -> None:
    """Both sides at once, without scrolling or clicking: what is live, since when, and that it is served."""
    for name in ("API", "Web"):
        card = ana.card(name)
        expect(card).to_contain_text(INCIDENT)
        expect(card).to_contain_text(re.compile(r"LIVE\s.*since [\w :]+, 1\d min", re.DOTALL))
        expect(card).to_be_in_viewport(ratio=1)
    expect(ana.card("Web")).to_contain_text("SERVED AS LIVE")  # the API fails, as its checks find out
    assert ana.top_of(ana.card("API")) == ana.top_of(ana.card("Web"))
    expect(ana.deployment("api", INCIDENT)).to_contain_text("live now")
    expect(ana.deployment("api", API_GOOD)).to_contain_text(re.compile("PREVIOUS|LAST KNOWN GOOD"))
    expect(ana.page.get_by_role("cell", name="no web deployment of this commit").first).to_be_visible()


def _opens_the_dialog(ana: Visitor) -> str:
    """Check the plan in the dialog, before anything is sent to Render; return the target's id."""
    button = ana.act("api", API_GOOD)
    target = re.search(r"/deployments/([^/]+)/roll-back/", button.get_attribute("href") or "")
    assert target
    button.click()
    dialog = ana.dialog
    ana.see_dialog(re.compile(rf"^Roll back API to [0-9a-f]{{7}} “{API_GOOD}”\?$"))
    expect(ana.definition("From", dialog)).to_contain_text(f"“{INCIDENT}”, live 1")
    expect(ana.definition("To", dialog)).to_contain_text(f"“{API_GOOD}”")
    expect(ana.definition("Commits", dialog)).to_contain_text("1 commit goes")
    expect(ana.definition("Commits", dialog).get_by_role("listitem")).to_have_count(1)
    expect(ana.definition("Commits", dialog).get_by_role("link")).to_have_attribute(
        "href", re.compile("^https://github.com/acme/shop/compare/")
    )
    expect(ana.definition("Also changes", dialog)).to_contain_text("Automatic deploys go off")
    plan = dialog.get_by_role("list", name="What will be done, in this order").get_by_role("listitem")
    expect(plan).to_have_count(4)
    expect(plan.first).to_contain_text("Switch automatic deploys off")
    return target[1]


def _watches_to_the_end(ana: Visitor) -> None:
    """The open page shows the end of the checklist without a reload; without a verdict nothing is green."""
    ana.page.evaluate("window.openedOnce = true")
    ana.see_the_end(re.compile(rf"^API was rolled back to [0-9a-f]{{7}} “{API_GOOD}”$"))
    for words in (
        "Switch automatic deploys off",
        "Ask Render to roll back",
        "Wait until Render",
        "Check from outside",
    ):
        expect(ana.step(words)).to_contain_text("done")
    assert ana.page.evaluate("window.openedOnce")
    expect(ana.page).to_have_title(re.compile("^Can't tell yet: API was rolled back"))
    expect(ana.page.locator("#icon")).to_have_attribute("href", re.compile("plain"))
    expect(ana.page.locator("#verdict")).to_contain_text("watching until")


def _sees_the_pin_and_the_record(ana: Visitor) -> None:
    ana.page.get_by_role("link", name="Deployments", exact=True).click()
    bar = ana.bar("API is pinned")
    expect(bar).to_contain_text("PINNED API stays on")
    expect(bar).to_contain_text(f"by Ana Ruiz: Error rate up: {REASON}, INC-412")
    expect(bar).to_contain_text("Automatic deploys are off; before, they were after checks pass")
    left = ana.deployment("api", INCIDENT)
    expect(left).to_contain_text(
        re.compile(r"ROLLED BACK FROM\s+at \d\d:\d\d by Ana Ruiz"), use_inner_text=True
    )
    expect(left).to_contain_text("leave the rollback to bring it back")
    expect(ana.card("API")).to_contain_text(API_GOOD)
    ana.page.get_by_role("link", name="Audit").click()
    entry = ana.page.get_by_role("row").filter(has_text="rollback requested")
    expect(entry).to_contain_text("Ana Ruiz")
    expect(entry).to_contain_text("responder")
    expect(entry).to_contain_text(REASON)
    expect(entry).to_contain_text("INC-412")
    expect(ana.page.get_by_role("row").filter(has_text="rollback done")).to_contain_text("API is on ")


def _leaves_the_rollback(ana: Visitor) -> None:
    ana.page.get_by_role("link", name="Deployments", exact=True).click()
    ana.bar("API is pinned").get_by_role("link", name="Leave rollback").click()
    ana.see_dialog("Leave the rollback of API?")
    expect(ana.dialog).to_contain_text("Traffic does not move")
    expect(ana.dialog).to_contain_text("Switch automatic deploys back to “after checks pass”")
    ana.confirm("Leave the rollback of API")
    ana.see_the_end("The rollback of API was left")
    expect(ana.step("Switch automatic deploys back")).to_contain_text("done")
    ana.page.get_by_role("link", name="Deployments", exact=True).click()
    expect(ana.definition("Automatic deploys", ana.card("API"))).to_have_text("after checks pass")
    expect(ana.bar("API is pinned")).to_have_count(0)


def test_the_web_is_rolled_back_and_promoting_a_staged_build_ends_the_rollback(
    installation: Installation, visit: Visit
) -> None:
    ana = visit("ana")
    ana.act("web", WEB_GOOD).click()
    expect(ana.definition("Also changes", ana.dialog)).to_contain_text("Domains that move: ")
    expect(ana.definition("Also changes", ana.dialog)).to_contain_text("shop.example.com")
    ana.give_reason("basket is empty", choice="Major feature broken")
    ana.confirm(re.compile("^Roll back Web to "))
    ana.see_the_end(re.compile(f"^Web was rolled back to .* “{WEB_GOOD}”$"))
    assert installation.service("shop-web")["auto_deploy"] == "off"
    fix = _a_push_stays_staged(ana, installation)
    ana.act("web", "Fix checkout totals", "Promote to production").click()
    expect(ana.dialog).to_contain_text(
        "Automatic assignment of domains goes on again, which ends a rollback."
    )
    ana.give_reason("fix of INC-412")
    ana.confirm(re.compile("^Promote .* to production"))
    ana.see_the_end(re.compile("“Fix checkout totals” was promoted to production of Web$"))
    assert [(who, what) for who, what, _ in installation.received()] == [
        ("vercel", "rollback"),
        ("vercel", "promote"),
    ]
    assert installation.received()[1][2] == fix == installation.service("shop-web")["serving"]
    assert installation.service("shop-web")["auto_deploy"] == "on"
    ana.page.get_by_role("link", name="Deployments", exact=True).click()
    expect(ana.card("Web")).to_contain_text("Fix checkout totals")
    expect(ana.bar("Web is pinned")).to_have_count(0)


def _a_push_stays_staged(ana: Visitor, installation: Installation) -> str:
    """A push under a pin is built but not served; return its id."""
    serving = installation.service("shop-web")["serving"]
    ana.page.get_by_role("link", name="Deployments", exact=True).click()
    expect(ana.bar("Web is pinned")).to_be_visible()
    installation.provider_event("pushes", "shop-web", message="Fix checkout totals", author="bo")
    installation.read_now()
    staged = ana.deployment("web", "Fix checkout totals")
    expect(staged).to_contain_text("STAGED")
    expect(staged.get_by_role("link", name="Promote to production")).to_be_visible()
    assert installation.service("shop-web")["serving"] == serving
    match = re.search(
        r"/deployments/([^/]+)/", staged.get_by_role("link", name="Promote").get_attribute("href") or ""
    )
    assert match
    return match[1]
