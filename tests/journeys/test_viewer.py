"""A viewer sees everything and can start nothing; external text is never interpreted as markup."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visit
from tests.journeys.installation import Installation
from tests.journeys.visitor import Visitor

pytestmark = pytest.mark.journey

ACTS = re.compile("roll back|promote|leave|cancel", re.IGNORECASE)
MARKUP = '"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'


def test_a_viewer_sees_everything_and_has_a_reason_where_others_have_a_button(
    installation: Installation, visit: Visit
) -> None:
    vera = visit("vera")
    expect(vera.card("Web")).to_contain_text("SERVED AS LIVE")
    candidate = vera.deployment("api", "Fix login rate limit")
    expect(candidate).to_contain_text("needs the role responder")
    for address in ("/", "/services/shop-api/", "/services/", "/operations/", "/audit/"):
        vera.page.goto(address)
        expect(vera.headline).to_have_count(1)
        for role in ("button", "link"):
            assert vera.page.get_by_role(role, name=ACTS).all_inner_texts() == []
    vera.page.goto("/")
    vera.deployment("api", "Fix login rate limit").get_by_role("link", name="Fix login").click()
    expect(vera.page.get_by_text("No button: needs the role responder.")).to_be_visible()
    expect(vera.page.get_by_role("heading", name="Between it and the live one")).to_be_visible()
    _forges_a_post(vera, f"{vera.page.url}roll-back/")
    assert installation.received() == []


def _forges_a_post(vera: Visitor, address: str) -> None:
    """Even with a valid token: it is refused with the names of those who may, and audited."""
    vera.page.goto(address)
    expect(
        vera.page.get_by_text("You may look, but not do this: it needs the role responder")
    ).to_be_visible()
    expect(vera.page.get_by_role("button", name=ACTS)).to_have_count(0)
    forged: dict[str, str | float | bool] = {
        name: vera.page.locator(f"main input[name={name}]").get_attribute("value") or ""
        for name in ("csrfmiddlewaretoken", "token")
    }
    forged |= {"reason": "errors", "words": "let me in", "incident": ""}
    answer = vera.context.request.post(address, form=forged, max_redirects=0)
    assert answer.status == 403
    assert "This needs the role responder or database admin" in answer.text()
    vera.page.goto("/audit/")
    entry = vera.page.get_by_role("row").filter(has_text="access refused")
    expect(entry).to_contain_text("Vera Santos")
    expect(entry).to_contain_text("REFUSED")
    vera.page.goto("/operations/")
    expect(vera.page.get_by_text("Nobody has rolled anything back yet.")).to_be_visible()


def test_markup_of_outsiders_is_shown_as_text_on_every_page(installation: Installation, visit: Visit) -> None:
    installation.provider_event("pushes", "shop-web", message=f"Fix {MARKUP}", author="emi")
    ana = visit("ana")
    live = ana.page.get_by_role("article", name="Web").get_by_text(f"Fix {MARKUP}", exact=True)
    for _ in range(10):  # until the build has ended
        installation.read_now()
        if live.count():
            break
    expect(live).to_be_visible()
    ana.act("web", "Fix price rounding").click()
    expect(ana.definition("Commits", ana.dialog)).to_contain_text(f"Fix {MARKUP}")
    ana.give_reason(MARKUP, incident="<b>INC-7</b>")
    ana.confirm(re.compile("^Roll back Web to "))
    ana.see_the_end(re.compile("^Web was rolled back to"))
    expect(ana.page.get_by_text(f"Error rate up: {MARKUP}")).to_be_visible()
    left = installation.service("shop-web")["said_to_be_live"]
    addresses = (
        "/",
        "/services/shop-web/",
        "/operations/",
        "/audit/",
        f"/services/shop-web/deployments/{left}/",
    )
    for address in (ana.page.url, *addresses):
        ana.page.goto(address)
        expect(
            ana.page.locator("main").get_by_text(re.compile("<img|Fix price rounding")).first
        ).to_be_attached()
        assert ana.page.locator("img, [onerror], script:not([src], [type='application/json'])").count() == 0
        assert ana.page.evaluate("window.pwned") is None
