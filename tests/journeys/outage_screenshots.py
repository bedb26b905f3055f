"""Screenshots of every outage and every uncertain state, taken on a separate portal.

It takes as long as the waits that it shows, and is only needed for a complete set.
"""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Route, expect

from tests.journeys.album import Album
from tests.journeys.installation import Installation, whole_portal
from tests.journeys.outages import answers_again, no_postgresql, no_redis, no_worker, nobody_at_work
from tests.journeys.visitor import Visitor

IMPATIENT = {"SETTLE_SECONDS": "2", "FOLLOW_SECONDS": "20"}


def take(browser: Browser, album: Album) -> None:
    with whole_portal(**IMPATIENT) as installation:
        ana = Visitor(browser, installation.address)
        ana.sign_in("ana", installation.passwords["ana"])
        the_providers(ana, album, installation)
        a_build_in_the_way(ana, album, installation)
        nobody(ana, album, installation)
        unknown_result(ana, album, installation)
        the_sign_in(ana, album, installation)
        the_database(ana, album, installation)


def the_providers(ana: Visitor, album: Album, installation: Installation) -> None:
    """A refused key, a failing provider, an open circuit breaker; then both providers at once."""
    for name, fault, detail in (("unauthorized", "unauthorized", ""), ("5xx", "error", "503")):
        installation.add_fault("render.*", fault, detail=detail)
        installation.read_now()
        ana.page.goto("/")
        album.take(ana.page, f"dark-provider-{name}")
        ana.page.get_by_text(re.compile("^By hand: API")).click()
        album.take(ana.page, f"dark-provider-{name}-by-hand")
        answers_again(installation)
    installation.add_fault("*", "error", detail="502")
    for _ in range(6):
        installation.read_now()
    ana.page.goto("/")
    album.take(ana.page, "dark-both-left-alone")
    ana.page.get_by_role("link", name="Roll back to this").first.click()
    ana.see_dialog(re.compile("^Roll back"))
    album.take(ana.page, "dark-dialog-provider-down")
    answers_again(installation)


def nobody(ana: Visitor, album: Album, installation: Installation) -> None:
    with no_worker(installation):
        ana.page.goto("/")
        album.take(ana.page, "dark-no-worker")
    with no_redis(installation):
        ana.page.goto("/")
        album.take(ana.page, "dark-no-redis")
    with nobody_at_work(installation):
        ana.page.goto("/")
        album.take(ana.page, "dark-nobody")
        ana.page.get_by_text(re.compile("^By hand: API")).click()
        album.take(ana.page, "dark-nobody-by-hand")
        ana.page.goto("/")
        ana.act("web", "Fix price rounding").click()
        ana.see_dialog(re.compile("^Roll back Web"))
        album.take(ana.page, "dark-nobody-dialog")
        ana.give_reason()
        ana.confirm(re.compile("^Roll back Web to "))
        expect(ana.page.get_by_text("NO NEWS")).to_be_visible()
        album.take(ana.page, "dark-nobody-progress")
    ana.see_the_end(re.compile("^Web was rolled back"))


def unknown_result(ana: Visitor, album: Album, installation: Installation) -> None:
    """A lost answer, the same operation after it has been looked up, and one that does not end."""
    installation.add_fault("render.rollback", "drop_after", times=1)
    installation.add_fault("render.rollback", "stuck", times=1)
    ana.page.goto("/")
    ana.act("api", "Let support see the basket").click()
    ana.give_reason()
    ana.confirm(re.compile("^Roll back API to "))
    expect(ana.page.get_by_text("ANSWER LOST", exact=True)).to_be_visible()
    album.take(ana.page, "dark-answer-lost")
    ana.see_the_end(re.compile("is not known$"))
    album.take(ana.page, "dark-needs-attention")
    operation = ana.page.url
    ana.page.goto("/")
    album.take(ana.page, "dark-needs-attention-dashboard")
    ana.page.goto(operation)
    ana.page.get_by_role("link", name=re.compile("^Send it again")).click()
    album.take(ana.page, "dark-send-again")
    ana.page.goto(operation)
    ana.page.get_by_role("button", name="It was not applied").click()
    album.take(ana.page, "dark-not-applied")
    installation.calm()


def a_build_in_the_way(ana: Visitor, album: Album, installation: Installation) -> None:
    installation.pace(build=120)
    installation.provider_event("pushes", "shop-api", message="Try another total", author="bo")
    installation.read_now()
    ana.page.goto("/")
    album.take(ana.page, "dark-building")
    ana.act("api", "Fix price rounding").click()
    ana.see_dialog(re.compile("^Roll back API"))
    ana.dialog.get_by_role("checkbox").scroll_into_view_if_needed()
    album.take(ana.page, "dark-building-offer")
    installation.add_fault("render.cancel", "slow", seconds=6)
    ana.give_reason()
    ana.confirm(re.compile("^Roll back API to "))
    expect(ana.step("Cancel")).to_contain_text("running")
    album.take(ana.page, "dark-building-clearing")
    ana.see_the_end(re.compile("^API was"))
    album.take(ana.page, "dark-building-ended")
    installation.calm()


def the_sign_in(ana: Visitor, album: Album, installation: Installation) -> None:
    ana.page.goto("/")
    ana.act("web", "Let support see the basket").click()
    ana.see_dialog(re.compile("^Roll back Web"))
    ana.give_reason("the basket is empty")
    ana.context.clear_cookies(name="sessionid")
    ana.page.get_by_role("button", name=re.compile("^Roll back Web to ")).click()
    ana.page.wait_for_url("**/accounts/login/**")
    expect(ana.headline).to_have_text("Sign in")
    album.take(ana.page, "dark-signed-out")
    ana.fill_in_sign_in("ana", installation.passwords["ana"])
    ana.page.wait_for_url(lambda url: "/accounts/" not in url)
    album.take(ana.page, "dark-signed-in-again")


def the_database(ana: Visitor, album: Album, installation: Installation) -> None:
    """Also a portal that does not answer at all, as an open page shows it."""
    ana.page.goto("/")
    ana.page.route("**/*", lambda route: _hang_up(route))
    expect(ana.page.get_by_text("NO ANSWER")).to_be_visible()
    album.take(ana.page, "dark-no-answer")
    ana.page.unroute("**/*")
    with no_postgresql(installation):
        ana.page.goto("/")
        album.take(ana.page, "dark-no-postgresql")
        ana.page.get_by_text(re.compile("^By hand: Web")).click()
        album.take(ana.page, "dark-no-postgresql-by-hand")


def _hang_up(route: Route) -> None:
    route.abort("connectionrefused")
