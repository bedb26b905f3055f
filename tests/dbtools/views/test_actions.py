"""What people press: done once, or refused with a sentence, and what was typed stays on the page."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from tests.dbtools import rollback_rows
from tests.dbtools.views import wizard_states
from tests.dbtools.views.wizard_client import ClientAs, press, reloaded
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


def test_a_refused_decision_says_why_and_keeps_the_reason(dana: User, client_as: ClientAs) -> None:
    row = rollback_rows.rollback(dana)
    response = press(client_as(dana), row, "need", reason="Data is being lost", source="commit", commit="abc")
    assert response.status_code == 409
    assert "NOT DONE Tick that application code" in text(response)
    assert "Data is being lost</textarea>" in response.content.decode()
    assert reloaded(row).status == "deciding"


def test_sql_that_comes_too_late_changes_nothing_and_stays_on_the_page(
    dana: User, efe: User, client_as: ClientAs
) -> None:
    row = wizard_states.STATES["approved"](dana, efe)
    response = press(client_as(dana), row, "sql", sql="DROP TABLE mine;", seen=row.sql_sha256)
    assert response.status_code == 409
    assert "past the step where the SQL is written" in text(response)
    assert "DROP TABLE mine;</textarea>" in response.content.decode()
    assert (reloaded(row).sql, reloaded(row).status) == (rollback_rows.SQL, "approved")


def test_two_authors_at_once_do_not_overwrite_each_other(dana: User, efe: User, client_as: ClientAs) -> None:
    row = wizard_states.STATES["writing-problems"](dana, efe)
    response = press(client_as(efe), row, "sql", sql="SELECT 2;", seen="")
    assert response.status_code == 409
    assert "Somebody else has written SQL" in text(response)
    html = response.content.decode()
    assert "SELECT 2;</textarea>" in html  # efe's own, in the editor
    assert "COMMIT;\nSELECT 1;" in html  # and dana's beside it
    seen = re.search(r'name="seen" value="(\w+)"', html)
    assert seen
    assert press(client_as(efe), row, "sql", sql="SELECT 2;", seen=seen[1]).status_code == 303
    assert reloaded(row).sql == "SELECT 2;"


def test_empty_sql_is_refused_and_not_replaced_by_the_draft(
    dana: User, efe: User, client_as: ClientAs
) -> None:
    row = wizard_states.STATES["writing"](dana, efe)
    response = press(client_as(dana), row, "sql", sql=" \n", seen="")
    assert response.status_code == 409
    assert "There is no SQL" in text(response)


@pytest.mark.parametrize("name", ["sql", "choice", "need"])
def test_a_nul_character_is_refused_with_its_line(name: str, dana: User, client_as: ClientAs) -> None:
    row = rollback_rows.rollback(dana, "writing")
    response = press(
        client_as(dana), row, name, sql="SELECT 1;\nSELECT '\0';", migration="a\nb\0", reason="\n\0"
    )
    assert response.status_code == 409
    assert "Line 2 of what was sent contains a NUL character" in text(response)


def test_a_request_never_parses_sql_however_long_it_is(
    dana: User, monkeypatch: Any, client_as: ClientAs
) -> None:
    def parse(*given: Any, **named: Any) -> None:
        raise AssertionError("SQL was parsed while somebody waited")

    here = ("dbtools.sql.check", "dbtools.sql.syntax.parsing.split", "pglast.parse_sql")
    for name in (*here, "dbtools.sql.isolated.check", "dbtools.sql.isolated._analyze"):
        monkeypatch.setattr(name, parse)
    row, client = rollback_rows.rollback(dana, "writing"), client_as(dana)
    long = "SELECT 1;\n" * 50_000
    assert press(client, row, "sql", sql=long, seen="").status_code == 303
    assert len(reloaded(row).sql) == len(long)
    assert client.get(row.get_absolute_url()).status_code == 200


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "choice": ("choosing", {"migration": "20260101_squashed"}, "20260101_squashed"),
    "backup": ("ready", {}, "Say why that is acceptable"),
    "ask": ("rehearsed-failing", {}, "The rehearsal does not allow it"),
    "cancel": ("committing", {}, "can no longer be stopped"),
    "abandon": ("running", {}, "that action is not possible from there"),
    "edit": ("done", {}, "that action is not possible from there"),
    "read": ("choosing", {"source": "nowhere"}, "Choose where"),
    "follow-up": ("approved-alone", {}, "Somebody else has to look at it"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(WRONG))
def test_a_refused_action_is_answered_with_409_and_a_sentence(
    name: str, dana: User, efe: User, client_as: ClientAs
) -> None:
    state, form, message = WRONG[name]
    row = wizard_states.STATES[state](dana, efe)
    response = press(client_as(dana), row, name, **form)
    assert response.status_code == 409
    assert message in text(response)
    assert "Nothing was changed" in text(response) or "Somebody else" in text(response)
    assert reloaded(row).status == row.status
    again_from = re.search(r'hx-get="([^"?]+)', response.content.decode())
    assert again_from is None or again_from[1] == row.get_absolute_url()


def test_a_get_request_to_an_action_leads_to_the_page(dana: User, client_as: ClientAs) -> None:
    row, client = rollback_rows.rollback(dana), client_as(dana)
    for name in ("need", "approve", "run", "upload", "download"):
        response = client.get(f"{row.get_absolute_url()}{name}/")
        assert (response.status_code, response.headers["Location"]) == (303, row.get_absolute_url())
    assert client.post(f"{row.get_absolute_url()}nonsense/").status_code == 404


@pytest.mark.parametrize(
    "name", ["need", "sql", "abandon", "run", "approve", "upload", "download", "ask-restore"]
)
def test_without_the_role_an_action_is_refused_and_on_record(
    name: str, dana: User, client_as: ClientAs
) -> None:
    row = rollback_rows.rollback(dana)
    response = press(client_as("responder"), row, name)
    assert response.status_code == 403
    assert "database admin" in text(response)
    assert AuditEntry.objects.latest("id").action == "access refused"
