"""What axe-core finds on the pages of an incident, light and dark: nothing serious, nothing critical."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.axe import findings
from tests.journeys.conftest import Visit
from tests.journeys.installation import Installation
from tests.journeys.outages import no_postgresql, no_redis, nobody_at_work

pytestmark = [pytest.mark.long, pytest.mark.journey]


def test_axe_finds_nothing_serious_from_the_first_look_to_the_last(
    installation: Installation, visit: Visit
) -> None:
    ana = visit("ana")
    found = findings(ana.page, "dashboard")
    ana.act("api", "Fix login rate limit").click()
    ana.see_dialog(re.compile("API"))
    found += findings(ana.page, "dialog")
    ana.page.get_by_role("button", name=re.compile("^Roll back API")).scroll_into_view_if_needed()
    installation.pace(release=8)
    ana.give_reason()
    ana.confirm(re.compile("^Roll back API to "))
    found += findings(ana.page, "progress, running")
    ana.see_the_end(re.compile("^API was rolled back"))
    found += findings(ana.page, "progress, ended")
    installation.add_fault("vercel.*", "unauthorized")
    installation.read_now()
    ana.page.goto("/")
    expect(ana.bar("Vercel data is old")).to_be_visible()
    found += findings(ana.page, "dashboard with bars")
    ana.bar("API is pinned").get_by_role("link", name="Leave rollback").click()
    ana.see_dialog(re.compile("API"))
    found += findings(ana.page, "leaving")
    ana.page.goto("/audit/")
    for entry in ana.page.get_by_text("Before, after and where from").all():
        entry.click()
    found += findings(ana.page, "audit")
    installation.calm()
    for address in ("/services/shop-api/", "/services/", "/services/shop-api/edit/", "/operations/"):
        ana.page.goto(address)
        found += findings(ana.page, address)
    assert found == []


def test_axe_finds_nothing_serious_at_the_doors(installation: Installation, visit: Visit) -> None:
    vera = visit("vera")
    found = findings(vera.page, "a viewer's dashboard")
    vera.page.goto("/nothing/here/")
    vera.excuse(404)
    found += findings(vera.page, "not found")
    vera.context.clear_cookies()
    vera.page.goto("/")
    vera.fill_in_sign_in("vera", "not my password")
    expect(vera.page.get_by_role("alert")).to_be_visible()
    found += findings(vera.page, "sign-in refused")
    assert found == []


def test_axe_finds_nothing_serious_while_something_is_away(installation: Installation, visit: Visit) -> None:
    ana = visit("ana")
    with nobody_at_work(installation):
        ana.page.goto("/")
        ana.page.get_by_text(re.compile("^By hand: Web")).click()
        found = findings(ana.page, "no worker")
        ana.act("web", "Fix price rounding").click()
        ana.see_dialog(re.compile("^Roll back Web"))
        found += findings(ana.page, "dialog with no worker")
    with no_redis(installation):
        ana.page.goto("/")
        found += findings(ana.page, "no queue")
    with no_postgresql(installation):
        ana.page.goto("/")
        ana.page.get_by_text(re.compile("^By hand: Web")).click()
        found += findings(ana.page, "no database")
        expect(ana.headline).to_have_count(1)
    expect(ana.card("Web")).to_be_visible()
    ana.excuse_all(503)
    assert found == []
