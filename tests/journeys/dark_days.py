"""Screenshots of every outage and every uncertain state, taken on a portal of their own.

It takes as long as the waits that it shows, and is only needed for a complete set.
"""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Route, expect

from tests.journeys.album import Album
from tests.journeys.outages import answers_again, no_postgresql, no_redis, no_worker, nobody_at_work
from tests.journeys.visitor import Visitor
from tests.journeys.world import World, whole_portal

IMPATIENT = {"SETTLE_SECONDS": "2", "FOLLOW_SECONDS": "20"}


def take(browser: Browser, album: Album) -> None:
    with whole_portal(**IMPATIENT) as world:
        ana = Visitor(browser, world.address)
        ana.sign_in("ana", world.passwords["ana"])
        the_providers(ana, album, world)
        a_build_in_the_way(ana, album, world)
        nobody(ana, album, world)
        the_doubt(ana, album, world)
        the_sign_in(ana, album, world)
        the_database(ana, album, world)


def the_providers(ana: Visitor, album: Album, world: World) -> None:
    """A refused key, a failing provider, an open circuit breaker; then both providers at once."""
    for name, fault, detail in (("unauthorized", "unauthorized", ""), ("5xx", "error", "503")):
        world.goes_wrong("render.*", fault, detail=detail)
        world.read_now()
        ana.page.goto("/")
        album.take(ana.page, f"dark-provider-{name}")
        ana.page.get_by_text(re.compile("^By hand: API")).click()
        album.take(ana.page, f"dark-provider-{name}-by-hand")
        answers_again(world)
    world.goes_wrong("*", "error", detail="502")
    for _ in range(6):
        world.read_now()
    ana.page.goto("/")
    album.take(ana.page, "dark-both-left-alone")
    ana.page.get_by_role("link", name="Roll back to this").first.click()
    ana.see_dialog(re.compile("^Roll back"))
    album.take(ana.page, "dark-dialog-provider-down")
    answers_again(world)


def nobody(ana: Visitor, album: Album, world: World) -> None:
    with no_worker(world):
        ana.page.goto("/")
        album.take(ana.page, "dark-no-worker")
    with no_redis(world):
        ana.page.goto("/")
        album.take(ana.page, "dark-no-redis")
    with nobody_at_work(world):
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


def the_doubt(ana: Visitor, album: Album, world: World) -> None:
    """A lost answer, the same operation after it has been looked up, and one that does not end."""
    world.goes_wrong("render.rollback", "drop_after", times=1)
    world.goes_wrong("render.rollback", "stuck", times=1)
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
    world.calm()


def a_build_in_the_way(ana: Visitor, album: Album, world: World) -> None:
    world.pace(build=120)
    world.somebody("pushes", "shop-api", message="Try another total", author="bo")
    world.read_now()
    ana.page.goto("/")
    album.take(ana.page, "dark-building")
    ana.act("api", "Fix price rounding").click()
    ana.see_dialog(re.compile("^Roll back API"))
    ana.dialog.get_by_role("checkbox").scroll_into_view_if_needed()
    album.take(ana.page, "dark-building-offer")
    world.goes_wrong("render.cancel", "slow", seconds=6)
    ana.give_reason()
    ana.confirm(re.compile("^Roll back API to "))
    expect(ana.step("Cancel")).to_contain_text("running")
    album.take(ana.page, "dark-building-clearing")
    ana.see_the_end(re.compile("^API was"))
    album.take(ana.page, "dark-building-ended")
    world.calm()


def the_sign_in(ana: Visitor, album: Album, world: World) -> None:
    ana.page.goto("/")
    ana.act("web", "Let support see the basket").click()
    ana.see_dialog(re.compile("^Roll back Web"))
    ana.give_reason("the basket is empty")
    ana.context.clear_cookies(name="sessionid")
    ana.page.get_by_role("button", name=re.compile("^Roll back Web to ")).click()
    ana.page.wait_for_url("**/accounts/login/**")
    expect(ana.headline).to_have_text("Sign in")
    album.take(ana.page, "dark-signed-out")
    ana.fill_in_sign_in("ana", world.passwords["ana"])
    ana.page.wait_for_url(lambda url: "/accounts/" not in url)
    album.take(ana.page, "dark-signed-in-again")


def the_database(ana: Visitor, album: Album, world: World) -> None:
    """Also a portal that does not answer at all, as an open page shows it."""
    ana.page.goto("/")
    ana.page.route("**/*", lambda route: _hang_up(route))
    expect(ana.page.get_by_text("NO ANSWER")).to_be_visible()
    album.take(ana.page, "dark-no-answer")
    ana.page.unroute("**/*")
    with no_postgresql(world):
        ana.page.goto("/")
        album.take(ana.page, "dark-no-postgresql")
        ana.page.get_by_text(re.compile("^By hand: Web")).click()
        album.take(ana.page, "dark-no-postgresql-by-hand")


def _hang_up(route: Route) -> None:
    route.abort("connectionrefused")
