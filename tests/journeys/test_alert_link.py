"""From an alert on a phone to a rollback that is accepted, in two touches."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from rollback_portal.processes.supervised import wait_until
from tests.journeys.conftest import Visit
from tests.journeys.installation import READ_WITHIN, Installation
from tests.journeys.test_input_methods import PHONE

pytestmark = pytest.mark.journey

LINK = "/now?service=shop-api&incident=INC-412&reason=errors"
COUNT_TOUCHES = """addEventListener("touchstart", () => {
  sessionStorage.touches = Number(sessionStorage.touches ?? 0) + 1;
}, {capture: true})"""


def test_alert_link_on_a_phone_to_accepted_in_two_touches(installation: Installation, visit: Visit) -> None:
    ana = visit("ana", **PHONE)
    ana.page.add_init_script(COUNT_TOUCHES)
    ana.page.goto(LINK)  # the first touch: on the link in the alert
    expect(ana.headline).to_have_text(re.compile("^Roll back API to "))
    expect(ana.page.get_by_text("Suggested: it ")).to_be_visible()
    assert ana.widest() <= 390
    ana.page.get_by_role("button", name=re.compile("^Roll back API to ")).tap()  # the second one
    ana.page.wait_for_url("**/operations/*/")
    assert wait_until(lambda: bool(installation.received()), READ_WITHIN)
    assert ana.page.evaluate("sessionStorage.touches") == "1"
    assert [(who, what) for who, what, _ in installation.received()] == [("render", "rollback")]
    ana.see_the_end(re.compile("^API was rolled back to "))
    expect(ana.page.get_by_text("INC-412").first).to_be_visible()
