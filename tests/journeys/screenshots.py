"""Takes the screenshots of the documentation: `python -m tests.journeys.screenshots`.

With a folder as its argument it takes every page into that folder instead, light, dark and on a phone, for a
review of whether a tired person would understand each page within ten seconds.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from dbtools.sandbox.shop import ORDERS
from tests.journeys import outage_screenshots, wizard
from tests.journeys.album import Album
from tests.journeys.installation import Installation, whole_portal
from tests.journeys.visitor import FLAGS, SLOW, Visitor
from tests.support.chromium import chromium


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    expect.set_options(timeout=SLOW)
    with whole_portal(SANDBOX_ORDERS=str(ORDERS)) as installation, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        album = Album(folder)
        ana = Visitor(browser, installation.address)
        ana.page.goto("/")
        album.take(ana.page, "sign-in")
        ana.sign_in("ana", installation.passwords["ana"])
        the_incident(ana, album)
        the_rollback(ana, album, installation)
        what_goes_wrong(ana, album, installation)
        the_record(ana, album)
        the_wizard(browser, album, installation)
        access_denied(browser, album, installation)
        if album.whole:
            outage_screenshots.take(browser, album)
        browser.close()


def the_incident(ana: Visitor, album: Album) -> None:
    album.take(ana.page, "dashboard")
    ana.page.goto("/services/shop-api/")
    album.take(ana.page, "service")
    ana.deployment("api", "Fix login rate limit").get_by_role("link", name="Fix login rate limit").click()
    expect(ana.page.get_by_role("heading", name="Facts")).to_be_visible()
    album.take(ana.page, "deployment")


def the_rollback(ana: Visitor, album: Album, installation: Installation) -> None:
    installation.pace(release=12)
    ana.page.goto("/")
    ana.act("api", "Fix login rate limit").click()
    ana.see_dialog(re.compile("^Roll back API"))
    album.take(ana.page, "confirm")
    ana.give_reason()
    ana.confirm(re.compile("^Roll back API to "))
    expect(ana.step("Wait until Render")).to_contain_text("running")
    album.take(ana.page, "progress-running")
    ana.page.goto("/")
    album.take(ana.page, "dashboard-running")
    ana.page.go_back()
    ana.see_the_end(re.compile("^API was rolled back"))
    album.take(ana.page, "progress-ended")
    installation.read_now()
    ana.page.goto("/")
    album.take(ana.page, "dashboard-pinned")
    ana.bar("API is pinned").get_by_role("link", name="Leave rollback").click()
    ana.see_dialog(re.compile("^Leave the rollback"))
    album.take(ana.page, "leave")


def what_goes_wrong(ana: Visitor, album: Album, installation: Installation) -> None:
    installation.add_fault("vercel.rollback", "fail", times=1)
    ana.page.goto("/")
    ana.act("web", "Fix price rounding").click()
    ana.see_dialog(re.compile("^Roll back Web"))
    ana.give_reason()
    ana.confirm(re.compile("^Roll back Web to "))
    ana.see_the_end(re.compile("^Web was not rolled back"))
    album.take(ana.page, "progress-failed")
    ana.page.goto("/")
    ana.act("web", "Fix price rounding").click()
    ana.see_dialog(re.compile("^Roll back Web"))
    ana.give_reason()
    installation.provider_event("sets_auto_deploy", "shop-web", setting="off")
    installation.read_now()
    ana.page.get_by_role("button", name=re.compile("^Roll back Web")).click()
    expect(ana.dialog.get_by_role("alert")).to_be_visible()
    album.take(ana.page, "confirm-changed")
    installation.add_fault("vercel.*", "unauthorized")
    installation.read_now()
    ana.page.goto("/")
    album.take(ana.page, "dashboard-provider-down")
    installation.calm()


def the_record(ana: Visitor, album: Album) -> None:
    for name in ("operations", "audit", "services", "services/shop-api/edit"):
        ana.page.goto(f"/{name}/")
        album.take(ana.page, name.replace("/", "-"))


def the_wizard(browser: Browser, album: Album, installation: Installation) -> None:
    """All nine steps, as two database admins take them on the practice database."""
    dana, efe = Visitor(browser, installation.address), Visitor(browser, installation.address)
    for visitor, name in ((dana, "dana"), (efe, "efe")):
        visitor.sign_in(name, installation.passwords[name])
    wizard.walk(dana, efe, installation.passwords, lambda visitor, name: album.take(visitor.page, name))


def access_denied(browser: Browser, album: Album, installation: Installation) -> None:
    vera = Visitor(browser, installation.address)
    vera.sign_in("vera", installation.passwords["vera"])
    album.take(vera.page, "viewer")
    candidate = vera.deployment("api", "Speed up category pages").get_by_role("link").first
    refused = f"{candidate.get_attribute('href')}roll-back/"
    vera.page.goto(refused)
    album.take(vera.page, "viewer-confirm")
    vera.page.evaluate("document.querySelector('main form').submit()")
    expect(vera.headline).to_contain_text("This needs the role")
    album.take(vera.page, "not-allowed")
    vera.page.goto("/nothing/here/")
    album.take(vera.page, "not-found")


if __name__ == "__main__":
    main()
