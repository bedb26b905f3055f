"""Every state of the wizard in a real Chromium: contrast, screen readers, keyboards and narrow phones."""

from __future__ import annotations

import pytest

from rollback_portal.accounts.models import User
from tests import factories as portal
from tests.dbtools.views import long_states, wizard_states
from tests.dbtools.views.conftest import VisitAs
from tests.journeys.axe import Scheme, findings
from tests.journeys.visitor import Visitor

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
NARROWEST = 360
KEYBOARD: dict[Scheme, dict[str, list[str]]] = {"light": {"runOnly": ["scrollable-region-focusable"]}}
FOR_VIEWERS = ("deciding", "choosing", "writing", "ready", "awaiting-approval", "running", "needs-attention")


def wider(visitor: Visitor, state: str) -> list[str]:
    """A line if the page is wider than a narrow screen."""
    visitor.page.set_viewport_size({"width": NARROWEST, "height": 740})
    width = visitor.widest()
    return [f"{state}: {width} px wide"] if width > NARROWEST else []


def look(visitor: Visitor, address: str, state: str) -> list[str]:
    visitor.page.set_viewport_size({"width": 1280, "height": 900})
    visitor.page.goto(address)
    return findings(visitor.page, state) + wider(visitor, state)


def squeezed(visitor: Visitor, address: str, state: str) -> list[str]:
    """On a phone. Only the rules that long texts can break, because axe is slow on long pages."""
    visitor.page.set_viewport_size({"width": NARROWEST, "height": 740})
    visitor.page.goto(address)
    return findings(visitor.page, state, KEYBOARD) + wider(visitor, state)


def test_axe_finds_nothing_serious_in_any_state_of_the_wizard(
    dana: User, efe: User, visit_as: VisitAs
) -> None:
    visitor, problems = visit_as(dana), []
    for name in wizard_states.STATES:
        problems += look(visitor, long_states.apart(name, dana, efe).get_absolute_url(), name)
    assert not problems, "\n".join(problems)


def test_long_texts_fit_a_phone_and_can_be_scrolled_with_the_keyboard(
    dana: User, efe: User, visit_as: VisitAs
) -> None:
    visitor, problems = visit_as(dana), []
    for name in wizard_states.STATES:
        row = long_states.apart(name, dana, efe, long=True)
        problems += squeezed(visitor, row.get_absolute_url(), f"long {name}")
    assert not problems, "\n".join(problems)


def test_axe_finds_nothing_serious_in_the_list_of_databases(dana: User, efe: User, visit_as: VisitAs) -> None:
    visitor = visit_as(dana)
    problems = look(visitor, "/databases/", "no database")
    wizard_states.listed()
    for name in ("running-blocked", "done", "unchanged", "abandoned", "needs-attention"):
        long_states.apart(name, dana, efe)
    problems += look(visitor, "/databases/", "databases")
    long_states.listed()
    for name in ("running-blocked", "done"):
        long_states.apart(name, dana, efe, long=True)
    problems += squeezed(visitor, "/databases/", "long databases")
    assert not problems, "\n".join(problems)


def test_axe_finds_nothing_serious_for_a_viewer(dana: User, efe: User, visit_as: VisitAs) -> None:
    visitor, problems = visit_as(portal.person("viewer", "Vera Santos")), []
    for name in FOR_VIEWERS:
        problems += look(visitor, long_states.apart(name, dana, efe).get_absolute_url(), f"{name}, a viewer")
    problems += look(visitor, "/databases/", "databases, a viewer")
    assert not problems, "\n".join(problems)
