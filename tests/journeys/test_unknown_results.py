"""An order with an unknown result, and an order that is blocked: a person decides."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visit
from tests.journeys.installation import Installation
from tests.journeys.visitor import OPERATION, Visitor
from tests.rollback_portal.local.running_portal import wait_for

pytestmark = [pytest.mark.long, pytest.mark.journey]

FOLLOW = 20  # seconds for which the portal follows an order, instead of minutes
PORTAL_SETTINGS = {"SETTLE_SECONDS": "1", "FOLLOW_SECONDS": str(FOLLOW)}


def test_a_build_in_the_way_is_canceled_inside_the_same_operation(
    installation: Installation, visit: Visit
) -> None:
    installation.pace(build=120)
    installation.provider_event("pushes", "shop-api", message="Try another total", author="bo")
    installation.read_now()
    ana = visit("ana")
    ana.act("api", "Let support see the basket").click()
    offer = ana.dialog.get_by_role(
        "checkbox", name=re.compile("^First cancel what is still being built: .*Try another")
    )
    expect(offer).to_be_checked()
    plan = ana.dialog.get_by_role("list", name="What will be done, in this order").get_by_role("listitem")
    expect(plan.first).to_contain_text("Cancel")
    installation.add_fault("render.cancel", "slow", seconds=2, times=1)
    ana.give_reason()
    ana.confirm(re.compile("^Roll back API to "))
    expect(ana.step("Cancel")).to_contain_text("running")
    assert installation.received() == []  # it waits until Render confirms
    ana.see_the_end(re.compile("^API was rolled back to .* “Let support see the basket”$"))
    expect(ana.step("Cancel")).to_contain_text("done")
    assert [(who, what) for who, what, _ in installation.received()] == [("render", "rollback")]


def test_it_was_applied_is_checked_from_outside(installation: Installation, visit: Visit) -> None:
    ana = visit("ana")
    installation.pace(aliases=2 * FOLLOW)  # the domains move, but later than the portal waits for
    target = _an_order_that_does_not_end(ana, installation, "web", "Fix price rounding", ends=True)
    wait_for(lambda: installation.service("shop-web")["serving"] == target, 3 * FOLLOW)
    ana.page.get_by_role("button", name="It was applied: check what is served").click()
    ana.see_the_end(re.compile("^Web was rolled back to .* “Fix price rounding”$"))
    assert [row[2] for row in installation.received()] == [target]
    ana.page.goto("/")
    expect(ana.bar("Web needs a person")).to_have_count(0)


def test_it_was_not_applied_ends_it_and_says_that_deploys_are_still_off(
    installation: Installation, visit: Visit
) -> None:
    ana = visit("ana")
    _an_order_that_does_not_end(ana, installation, "api", "Fix price rounding")
    ana.page.get_by_role("button", name="It was not applied").press("Enter")
    ana.see_the_end(re.compile("^API was not rolled back to"))
    expect(ana.page.get_by_text("Ana Ruiz looked at Render: the order was not applied.")).to_be_visible()
    expect(ana.page.get_by_text("Automatic deploys of API are off")).to_be_visible()
    expect(ana.page.get_by_role("link", name="Leave the rollback…")).to_be_visible()
    assert len(installation.received()) == 1


def test_send_it_again_is_a_new_plan_that_cancels_what_still_runs_first(
    installation: Installation, visit: Visit
) -> None:
    ana = visit("ana")
    target = _an_order_that_does_not_end(ana, installation, "api", "Speed up category pages")
    doubtful = ana.page.url
    ana.page.get_by_role("link", name="Send it again…").press("Enter")
    expect(ana.headline).to_have_text(re.compile("^Roll back API to .* “Speed up category pages”\\?$"))
    expect(
        ana.page.get_by_role("checkbox", name=re.compile("^First cancel what is still being built"))
    ).to_be_checked()
    assert len(installation.received()) == 1  # opening it sends nothing
    ana.give_reason()
    ana.confirm(re.compile("^Roll back API to "))
    assert ana.page.url != doubtful
    ana.see_the_end(re.compile("^API was rolled back to"))
    expect(ana.step("Cancel")).to_contain_text("done")
    assert [row[2] for row in installation.received()] == [target, target]


def _an_order_that_does_not_end(
    ana: Visitor, installation: Installation, side: str, subject: str, *, ends: bool = False
) -> str:
    """Its answer is lost, the read-back finds it, it does not end in time; return the deployment's id.

    The dashboard says so, with the way to the three choices and the evidence.
    """
    provider, name = {"api": ("render", "API"), "web": ("vercel", "Web")}[side]
    installation.add_fault(f"{provider}.rollback", "drop_after", times=1)
    if not ends:
        installation.add_fault(f"{provider}.rollback", "stuck", times=1)
    target = re.search(r"/deployments/([^/]+)/", ana.act(side, subject).get_attribute("href") or "")
    assert target
    ana.act(side, subject).click()
    ana.give_reason()
    ana.confirm(re.compile(f"^Roll back {name} to "))
    expect(ana.page.get_by_text("NEEDS A PERSON", exact=True)).to_be_visible(timeout=OPERATION)
    ana.page.goto("/")
    expect(ana.page).to_have_title(re.compile(f"{name} needs a person"))
    bar = ana.bar(f"{name} needs a person")
    # On a slow machine a reading has found out by now that it took effect.
    expect(bar).to_contain_text(re.compile(f"(Whether )?{name} was rolled back to "))
    bar.get_by_role("link", name="Look and decide").press("Enter")
    ana.see_the_end(re.compile(f"^(Whether )?{name} was rolled back to "))
    evidence = ana.page.get_by_role("table", name="What the portal saw")
    expect(evidence).to_contain_text("Lost answer")
    expect(evidence).to_contain_text(target[1])
    for choice in ("It was applied: check what is served", "It was not applied"):
        expect(ana.page.get_by_role("button", name=choice)).to_be_enabled()
    return target[1]
