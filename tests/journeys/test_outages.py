"""A part of the portal is down: what people see, what still works, and how it recovers."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visit
from tests.journeys.installation import Installation
from tests.journeys.outages import answers_again, no_postgresql, no_redis, no_worker, nobody_at_work
from tests.journeys.visitor import Visitor

pytestmark = [pytest.mark.long, pytest.mark.journey]

NARROW = {"viewport": {"width": 360, "height": 780}}
SECRETS = re.compile(r"rnd_\w+|vercel_\w{8,}|Bearer (?!\$(RENDER_API_KEY|VERCEL_TOKEN)\b)")


def test_without_workers_a_bar_says_who_does_the_work_and_it_is_done(
    installation: Installation, visit: Visit
) -> None:
    ana = visit("ana", **NARROW)
    with no_worker(installation):
        bar = ana.bar("Workers and dispatchers")
        expect(bar).to_contain_text(
            re.compile(r"NO WORKER has sent a heartbeat for 40 s; the last one came \d+ (s|min)"),
            use_inner_text=True,
        )
        expect(bar).to_contain_text(
            "The dispatcher carries out operations itself, about 5 s later than usual."
        )
        expect(ana.page.get_by_text(re.compile("^By hand"))).to_have_count(0)
        assert ana.widest() <= 360
        ana.act("web", "Fix price rounding").click()
        ana.give_reason()
        ana.confirm(re.compile("^Roll back Web to "))
        ana.see_the_end(re.compile("^Web was rolled back to"))
    assert [(who, what) for who, what, _ in installation.received()] == [("vercel", "rollback")]
    ana.page.goto("/")
    expect(ana.bar("Workers and dispatchers")).to_have_count(0)


def test_with_nobody_at_work_the_commands_are_there_and_what_was_asked_for_is_done_later(
    installation: Installation, visit: Visit
) -> None:
    ana = visit("ana", **NARROW)
    with nobody_at_work(installation):
        expect(ana.bar("Workers and dispatchers")).to_contain_text(
            "What you start is kept, but nothing carries it out."
        )
        target = re.search(
            r"/deployments/([^/]+)/", ana.act("api", "Fix login rate limit").get_attribute("href") or ""
        )
        assert target
        _the_card_names(ana, "API", target[1], str(installation.service("shop-api")["id"]))
        ana.act("api", "Fix login rate limit").click()
        expect(ana.dialog).to_contain_text("is kept until one is back; after 10 minutes it is no longer run")
        ana.give_reason()
        ana.confirm(re.compile("^Roll back API to "))
        expect(
            ana.page.get_by_text("cancel this operation first, so that it is not done twice")
        ).to_be_visible()
        expect(ana.page.get_by_role("button", name="Cancel this operation")).to_be_enabled()
        expect(ana.page.get_by_text("WAITING FOR A WORKER", exact=True)).to_be_visible()
        assert ana.widest() <= 360
        assert installation.received() == []
    ana.see_the_end(re.compile("^API was rolled back to"))
    assert installation.received() == [("render", "rollback", target[1])]


def _the_card_names(ana: Visitor, service: str, *ids: str) -> None:
    """It opens by keyboard, one click selects a whole command, and it contains no secret."""
    summary = ana.page.get_by_text(re.compile(f"^By hand: {service}"))
    summary.focus()
    ana.page.keyboard.press("Enter")
    card = ana.page.locator("details.by-hand", has=summary)
    commands = card.locator("pre").all_inner_texts()
    assert all(any(identifier in command for command in commands) for identifier in ids), commands
    assert not SECRETS.search("\n".join(commands))
    rollback = card.locator("pre", has_text=ids[0]).first
    rollback.click()
    selected = str(ana.page.evaluate("getSelection().toString()"))
    assert selected.strip() == rollback.inner_text().strip()
    assert rollback.evaluate("node => node.scrollWidth <= node.clientWidth")  # no part of it is cut off


def test_without_redis_a_bar_says_that_readings_stop_and_operations_go_on(
    installation: Installation, visit: Visit
) -> None:
    bo = visit("bo", **NARROW)
    with no_redis(installation):
        bar = bo.bar("The queue")
        expect(bar).to_contain_text(
            re.compile(r"REDIS HAS NOT ANSWERED the dispatcher for \d+ (s|min)\."), use_inner_text=True
        )
        expect(bar).to_contain_text(
            "Nothing is read from the providers meanwhile, so the data on this page is getting old."
        )
        assert bo.widest() <= 360
        bo.act("api", "Speed up category pages").click()
        bo.give_reason()
        bo.confirm(re.compile("^Roll back API to "))
        bo.see_the_end(re.compile("^API was rolled back to"))
    assert [(who, what) for who, what, _ in installation.received()] == [("render", "rollback")]
    bo.page.goto("/")
    expect(bo.bar("The queue")).to_have_count(0)


def test_a_key_that_is_refused_leaves_the_other_side_alone_and_shows_the_commands(
    installation: Installation, visit: Visit
) -> None:
    ana = visit("ana")
    installation.add_fault("vercel.*", "unauthorized")
    installation.read_now()
    bar = ana.bar("Vercel data is old")
    expect(bar).to_contain_text(
        re.compile(r"does not accept our key for this \(401\): [^.]+\.\s+The data of"),
        use_inner_text=True,
    )
    expect(bar).to_contain_text(
        re.compile(r"The portal tries again at \d\d:\d\d:\d\d UTC\."), use_inner_text=True
    )
    expect(bar).to_contain_text("Render is not affected")
    expect(bar.locator("time[data-age]")).to_have_text(re.compile(r"^\d+ (s|min)$"))
    expect(ana.page.get_by_text(re.compile("^By hand: Web"))).to_be_visible()
    expect(ana.page.get_by_text(re.compile("^By hand: API"))).to_have_count(0)
    installation.add_fault("render.*", "error", detail="503")
    installation.read_now()
    expect(ana.bar("Render data is old")).to_contain_text("RENDER IS NOT ANSWERING PROPERLY")
    expect(ana.page.get_by_text("is not affected")).to_have_count(0)  # neither provider works now
    answers_again(installation)
    expect(ana.bar("Vercel data is old")).to_have_count(0)
    expect(ana.bar("Render data is old")).to_have_count(0)
    assert installation.received() == []


def test_without_postgresql_a_page_shows_the_commands_and_gives_way_when_it_is_back(
    installation: Installation, visit: Visit
) -> None:
    ana = visit("ana", **NARROW)
    ids = [str(installation.service(name)["id"]) for name in ("shop-api", "shop-web")]
    with no_postgresql(installation):
        ana.page.goto("/services/shop-api/")
        expect(ana.headline).to_have_text("The portal's database is unavailable")
        expect(ana.page.get_by_role("link", name="Render", exact=True)).to_be_visible()
        expect(ana.page.get_by_role("link", name="Vercel", exact=True)).to_be_visible()
        expect(ana.page.get_by_text(re.compile(r"last true at \d\d:\d\d:\d\d UTC"))).to_be_visible()
        for summary in ana.page.get_by_text(re.compile("^By hand")).all():
            summary.click()
        commands = "\n".join(ana.page.locator("pre").all_inner_texts())
        assert all(identifier in commands for identifier in ids)
        assert not SECRETS.search(commands)
        assert ana.widest() <= 360
        with ana.page.expect_response(lambda answer: answer.request.method == "HEAD"):
            pass  # the page polls by itself and keeps details open
        expect(ana.page.locator("details[open]")).to_have_count(2)
    expect(ana.headline).to_have_text("API shop-api", timeout=60_000)
    assert installation.received() == []
    ana.excuse_all(503)
