"""What somebody who is tired would misread, or would press in vain."""

from __future__ import annotations

import pytest
from django.test import Client

from rollback_portal.accounts.models import User
from tests import factories as portal
from tests.dbtools import rollback_rows
from tests.dbtools.views import wizard_states
from tests.dbtools.views.test_step_context import buttons, seen_by
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana() -> User:
    return portal.person("database admin", "Dana Okoro")


@pytest.fixture
def efe() -> User:
    return portal.person("database admin", "Efe Brandt")


def test_where_no_migration_can_go_nothing_can_be_chosen(dana: User) -> None:
    stuck = [{**entry, "why_not": "It was edited since."} for entry in rollback_rows.entries()]
    answer = seen_by(dana, rollback_rows.rollback(dana, "choosing", migrations=stuck))
    assert "Choose" in buttons(answer, disabled=True)
    assert "none of them can go; each says why" in text(answer)


def test_what_nobody_works_on_does_not_look_busy(dana: User, efe: User) -> None:
    answer = seen_by(dana, wizard_states.STATES["reading-stalled"](dana, efe))
    assert 'data-shape="turn"' not in answer.content.decode()
    assert "Nothing is being done at this moment." in text(answer)


def test_a_guard_that_stops_is_named_and_asks_for_no_reason(dana: User, efe: User) -> None:
    words = text(seen_by(dana, wizard_states.STATES["ready-stopped"](dana, efe)))
    assert "a guard stands in the way: Replicas" in words
    assert "Why the warnings above are acceptable" not in words


@pytest.mark.parametrize("name", ["deciding", "done"])
def test_a_service_that_the_portal_does_not_know_is_not_said_to_be_unpinned(
    name: str, dana: User, efe: User
) -> None:
    words = text(seen_by(dana, wizard_states.STATES[name](dana, efe)))
    assert "shop-api unknown to the portal" in words
    assert "not pinned" not in words


def test_the_longest_phrase_can_be_read_to_its_end(dana: User, efe: User) -> None:
    row = rollback_rows.approved(dana, efe, database=rollback_rows.database("d" * 120), selected=["2" * 255])
    assert row.phrase in text(seen_by(dana, row))


def test_the_list_tells_a_rollback_that_waits_for_somebody_from_one_at_work(dana: User, efe: User) -> None:
    client = Client()
    client.force_login(dana)
    for name, said in (
        ("awaiting-approval", "WAITS FOR SOMEBODY, STEP 7 OF 9"),
        ("rehearsing", "UNDER WAY, STEP 6 OF 9"),
        ("needs-attention", "NEEDS ATTENTION"),
    ):
        row = wizard_states.STATES[name](dana, efe)
        wizard_states.changed(row, database=rollback_rows.database(f"shop-{name}"))
        assert f"ROLLBACK {row.pk} {said}" in text(client.get("/databases/"))
