"""The wizard's page: its steps, and the queries that it makes."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rollback_portal.accounts.models import User
from tests import factories
from tests.dbtools.views import wizard_states
from tests.dbtools.views.wizard_client import ClientAs, page_for
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
MOST_QUERIES = 15  # one notes that the person is there, two ask for the time by which approvals expire


@pytest.mark.parametrize(
    ("name", "taken"),
    [("writing", 2), ("done", 9), ("needs-attention", 7), ("unchanged", 7), ("abandoned", 3)],
)
def test_only_steps_that_were_taken_are_ticked(
    name: str, taken: int, dana: User, efe: User, client_as: ClientAs
) -> None:
    row = wizard_states.STATES[name](dana, efe)
    if name == "abandoned":
        reached = ("deciding", "reading", "choosing", "writing", "preflight", "abandoned")
        wizard_states.changed(row, status_times={status: factories.ago().isoformat() for status in reached})
    assert text(page_for(client_as, dana, row)).count(", done") == taken


def test_a_break_glass_is_on_every_page_until_somebody_else_has_looked(
    dana: User, efe: User, client_as: ClientAs
) -> None:
    row = wizard_states.STATES["approved-alone"](dana, efe)
    ana = factories.person("responder", "Ana Ruiz")
    client = Client()
    client.force_login(ana)
    for address in ("/", "/databases/", "/audit/", "/operations/"):
        assert "Nobody answers the phone at 3 a.m." in text(client.get(address))
    assert text(page_for(client_as, dana, row)).count("Nobody answers the phone") == 1  # not as a banner, too
    client.force_login(efe)
    client.post(f"{row.get_absolute_url()}follow-up/")
    assert "Nobody answers the phone" not in text(client.get("/"))


@pytest.mark.parametrize("name", list(wizard_states.STATES))
def test_a_page_makes_few_queries(name: str, dana: User, efe: User, client_as: ClientAs) -> None:
    row = wizard_states.STATES[name](dana, efe)
    client = client_as(dana)
    with CaptureQueriesContext(connection) as queries:
        client.get(row.get_absolute_url())
    assert len(queries) <= MOST_QUERIES


def test_an_unknown_rollback_is_not_found(dana: User, client_as: ClientAs) -> None:
    client = client_as(dana)
    assert client.get("/databases/rollbacks/999/").status_code == 404
