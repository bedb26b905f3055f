"""Every state of the wizard in a real Chromium: for eyes, for screen readers, on the narrowest phone."""

from __future__ import annotations

import pytest

from rollback_portal.accounts.models import User
from tests import factories as portal
from tests.dbtools.views import long_states, wizard_states
from tests.dbtools.views.conftest import Visit
from tests.journeys.axe import Scheme, findings
from tests.journeys.visitor import Visitor

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
NARROWEST = 360
KEYBOARD: dict[Scheme, dict[str, list[str]]] = {"light": {"runOnly": ["scrollable-region-focusable"]}}
FOR_VIEWERS = ("deciding", "choosing", "writing", "ready", "awaiting-approval", "running", "needs-attention")


@pytest.fixture
def dana(transactional_db: None) -> User:
    return portal.person("database admin", "Dana Okoro")


@pytest.fixture
def efe(transactional_db: None) -> User:
    return portal.person("database admin", "Efe Brandt")


def wider(visitor: Visitor, where: str) -> list[str]:
    """A line if a narrow screen would have to be moved sideways."""
    visitor.page.set_viewport_size({"width": NARROWEST, "height": 740})
    width = visitor.widest()
    return [f"{where}: {width} px wide"] if width > NARROWEST else []


def look(visitor: Visitor, address: str, where: str) -> list[str]:
    visitor.page.set_viewport_size({"width": 1280, "height": 900})
    visitor.page.goto(address)
    return findings(visitor.page, where) + wider(visitor, where)


def squeezed(visitor: Visitor, address: str, where: str) -> list[str]:
    """On a phone, where long things scroll: only what that can break, for long pages take axe long."""
    visitor.page.set_viewport_size({"width": NARROWEST, "height": 740})
    visitor.page.goto(address)
    return findings(visitor.page, where, KEYBOARD) + wider(visitor, where)


def test_axe_finds_nothing_serious_in_any_state_of_the_wizard(dana: User, efe: User, visit: Visit) -> None:
    visitor, found = visit(dana), []
    for name in wizard_states.STATES:
        found += look(visitor, long_states.apart(name, dana, efe).get_absolute_url(), name)
    assert not found, "\n".join(found)


def test_on_a_phone_nothing_leaves_the_screen_or_the_keyboard_however_long_it_is(
    dana: User, efe: User, visit: Visit
) -> None:
    visitor, found = visit(dana), []
    for name in wizard_states.STATES:
        row = long_states.apart(name, dana, efe, long=True)
        found += squeezed(visitor, row.get_absolute_url(), f"long {name}")
    assert not found, "\n".join(found)


def test_axe_finds_nothing_serious_in_the_list_of_databases(dana: User, efe: User, visit: Visit) -> None:
    visitor = visit(dana)
    found = look(visitor, "/databases/", "no database")
    wizard_states.listed()
    for name in ("running-blocked", "done", "unchanged", "abandoned", "needs-attention"):
        long_states.apart(name, dana, efe)
    found += look(visitor, "/databases/", "databases")
    long_states.listed()
    for name in ("running-blocked", "done"):
        long_states.apart(name, dana, efe, long=True)
    found += squeezed(visitor, "/databases/", "long databases")
    assert not found, "\n".join(found)


def test_a_viewer_meets_nothing_serious_either(dana: User, efe: User, visit: Visit) -> None:
    visitor, found = visit(portal.person("viewer", "Vera Santos")), []
    for name in FOR_VIEWERS:
        found += look(visitor, long_states.apart(name, dana, efe).get_absolute_url(), f"{name}, a viewer")
    found += look(visitor, "/databases/", "databases, a viewer")
    assert not found, "\n".join(found)
