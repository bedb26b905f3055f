"""Why does it not start? The log of a rollback that fails, beside its verdict, while it is looked at."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from deployments.sandbox.log_lines import secrets_of
from tests.journeys.axe import findings
from tests.journeys.conftest import Visit
from tests.journeys.installation import Installation
from tests.journeys.visitor import Visitor

pytestmark = pytest.mark.journey

# The first line in sight within the scrolled list, and how far it stands from the list's top in px.
FIRST_LINE_IN_SIGHT = """node => {
  const top = node.getBoundingClientRect().top;
  const line = [...node.querySelectorAll("li")].find(li => li.getBoundingClientRect().top >= top);
  return [line.textContent, line.getBoundingClientRect().top - top];
}"""
PLACE_OF = """(node, text) => {
  const line = [...node.querySelectorAll("li")].find(li => li.textContent === text);
  return line.getBoundingClientRect().top - node.getBoundingClientRect().top;
}"""


def test_logs_of_a_failing_start(installation: Installation, visit: Visit) -> None:
    installation.add_fault("render.rollback", "fail")
    ana = visit("ana")
    ana.act("api", "Fix login rate limit").click()
    ana.give_reason()
    ana.confirm(re.compile("^Roll back API to "))
    ana.see_the_end(re.compile("API"))
    errors = ana.page.locator("#log-errors")
    expect(errors).to_contain_text("password authentication failed")
    expect(errors).to_contain_text("[masked: login]")
    _nothing_secret(ana, "shop-api")
    _leads_to_the_step(ana)
    found = findings(ana.page, "operation with logs")
    _new_lines_come_without_a_jump(ana, installation)
    found += findings(ana.page, "service with logs")
    _narrow_screen(ana)
    _says_what_the_provider_says(ana, installation)
    assert found == []


def _nothing_secret(ana: Visitor, service: str) -> None:
    shown = ana.page.content()
    assert [name for name, secret in secrets_of(service).items() if secret[:12] in shown] == []


def _leads_to_the_step(ana: Visitor) -> None:
    line = ana.page.locator("#log-errors li").first
    line.get_by_role("link").click()
    expect(ana.page).to_have_url(re.compile(r"#step-\w+$"))
    time = line.locator("time")
    time.hover()
    expect(time).to_have_attribute("title", re.compile("local time$"))


def _new_lines_come_without_a_jump(ana: Visitor, installation: Installation) -> None:
    """Hostile ones, too, and whoever reads further down stays there."""
    ana.page.goto("/services/shop-api/")
    scroll = ana.page.get_by_role("region", name="All lines, newest first")
    expect(scroll.get_by_role("listitem").nth(60)).to_be_attached()
    scroll.evaluate("node => { node.scrollTop = 400 }")
    ana.page.wait_for_function("document.querySelector('.log-scroll').scrollTop > 300")
    line, before = scroll.evaluate(FIRST_LINE_IN_SIGHT)
    installation.ask("POST", "/lines", {"service": "shop-api", "lines": "hostile"})
    expect(scroll).to_contain_text("<script>document.title='owned'</script>")
    assert abs(scroll.evaluate(PLACE_OF, line) - before) <= 1
    assert ana.page.title() != "owned"
    expect(ana.page.get_by_role("heading", name="All systems operational")).to_have_count(0)
    _nothing_secret(ana, "shop-api")


def _narrow_screen(ana: Visitor) -> None:
    ana.page.set_viewport_size({"width": 390, "height": 844})
    assert ana.widest() <= 390
    ana.page.get_by_label("Level").select_option("error")
    expect(ana.page.locator("#log-lines li[data-level=error]").first).to_be_attached()
    expect(ana.page.locator("#log-lines li[data-level=info]")).to_have_count(0)


def _says_what_the_provider_says(ana: Visitor, installation: Installation) -> None:
    installation.add_fault("render.logs", "rate_limit", seconds=1)
    expect(ana.page.locator("#log-state")).to_contain_text(
        "The log could not be read: Render asks us to slow down"
    )
    installation.calm()
    expect(ana.page.locator("#log-state")).not_to_contain_text("could not be read")


def test_a_viewer_reads_no_lines(installation: Installation, visit: Visit) -> None:
    vera = visit("vera")
    vera.page.goto("/services/shop-api/")
    expect(vera.page.locator("#logs")).to_contain_text("shown to a responder or database admin")
    assert findings(vera.page, "service without logs") == []
