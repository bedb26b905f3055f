"""Each dangerous act asks for the password anew, in its own form, and no form is good for two of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from dbtools.models import DatabaseRollback
from dbtools.views.actions import ACTIONS
from rollback_portal.accounts.confirmation import MISSING, TOO_MANY, WRONG
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from tests.dbtools import rollback_rows
from tests.dbtools.views import wizard_states
from tests.dbtools.views.wizard_client import ClientAs, confirm, press, reloaded
from tests.support.page_text import text
from tests.support.rehearsal_role import PASSWORD

pytestmark = pytest.mark.django_db
EMERGENCY = "Nobody answers the phone at 3 a.m."


def entries(action: str) -> int:
    return AuditEntry.objects.filter(action=f"database rollback: {action}").count()


def run_form(row: DatabaseRollback) -> dict[str, Any]:
    """What the page of step 8 sends."""
    return {"typed": row.phrase, "seen": row.status_times["approved"]}


@pytest.mark.parametrize("name", [name for name, action in ACTIONS.items() if action.password])
@pytest.mark.parametrize(("password", "why"), [("", MISSING), ("wrong", WRONG)])
def test_without_the_right_password_nothing_is_done(
    name: str, password: str, why: str, dana: User, client_as: ClientAs
) -> None:
    row = rollback_rows.rollback(dana, "awaiting_approval")
    before = DatabaseRollback.objects.filter(pk=row.pk).values().get()
    response = press(client_as(dana), row, name, password=password)
    assert response.status_code == 409
    assert why in text(response)
    assert DatabaseRollback.objects.filter(pk=row.pk).values().get() == before
    assert entries("password refused") == 1
    assert "wrong" not in response.content.decode().replace(WRONG, "")


def test_the_dangerous_acts_are_those_that_ask_for_it() -> None:
    asking = {name for name, action in ACTIONS.items() if action.password}
    assert asking == {"approve", "break-glass", "run", "settle", "ask-restore", "approve-release"}


def test_guessing_is_stopped_even_when_the_next_guess_is_right(
    dana: User, efe: User, client_as: ClientAs
) -> None:
    row, client = wizard_states.STATES["awaiting-approval"](dana, efe), client_as(efe)
    for _ in range(10):
        press(client, row, "approve", password="wrong")
    response = confirm(client, row, "approve", seen=row.approval_digest, ticked=["2"])
    assert TOO_MANY in text(response)
    assert reloaded(row).status == "awaiting_approval"


def test_a_wrong_password_takes_away_nothing_that_was_ticked_or_typed(
    dana: User, efe: User, client_as: ClientAs
) -> None:
    row = wizard_states.STATES["awaiting-approval"](dana, efe)
    refused = press(client_as(efe), row, "approve", seen=row.approval_digest, ticked=["2"], password="no")
    ticked = refused.content.decode().partition('value="2"')[2]
    assert "checked" in ticked[: ticked.index(">")]
    refused = press(client_as(dana), row, "break-glass", seen=row.approval_digest, reason=EMERGENCY)
    assert f"{EMERGENCY}</textarea>" in refused.content.decode()


def test_an_approval_shows_the_page_again_and_is_done_once(
    dana: User, efe: User, client_as: ClientAs
) -> None:
    row, client = wizard_states.STATES["awaiting-approval"](dana, efe), client_as(efe)
    form = {"seen": row.approval_digest, "ticked": ["2"]}
    response = confirm(client, row, "approve", **form)
    assert (response.status_code, response.headers["Location"]) == (303, row.get_absolute_url())
    row = reloaded(row)
    assert (row.status, row.approved_by, row.acknowledged_losses) == ("approved", efe, [2])
    assert confirm(client, row, "approve", **form).status_code == 409  # pressed twice, or reloaded
    press(client_as(dana), row, "decline")
    press(client_as(dana), row, "ask")
    assert "changed since your page was loaded" in text(confirm(client, row, "approve", **form))
    assert (reloaded(row).status, entries("approved")) == ("awaiting_approval", 1)


def test_one_password_is_good_for_one_act(dana: User, efe: User, client_as: ClientAs) -> None:
    row, client = wizard_states.STATES["awaiting-approval"](dana, efe), client_as(efe)
    confirm(client, row, "approve", seen=row.approval_digest, ticked=["2"])
    row = reloaded(row)
    assert press(client, row, "run", **run_form(row)).status_code == 409
    assert reloaded(row).status == "approved"


def test_a_run_starts_once_and_an_old_page_starts_none(dana: User, efe: User, client_as: ClientAs) -> None:
    row, client = wizard_states.STATES["approved"](dana, efe), client_as(dana)
    form = run_form(row)
    assert confirm(client, row, "run", **form).status_code == 303
    assert confirm(client, row, "run", **form).status_code == 409
    row = reloaded(row)
    assert (row.status, row.started_by, entries("run started")) == ("running", dana, 1)
    times = {**row.status_times, "approved": "2026-11-30T03:00:00+00:00"}  # the worker found it blocked
    wizard_states.changed(row, status="approved", status_times=times)
    assert "older than the last try" in text(confirm(client, row, "run", **form))
    assert (reloaded(row).status, entries("run started")) == ("approved", 1)


def test_a_refused_action_draws_a_page_that_works(dana: User, efe: User, client_as: ClientAs) -> None:
    row, client = wizard_states.STATES["awaiting-approval"](dana, efe), client_as(dana)
    response = confirm(client, row, "break-glass", seen=row.approval_digest, reason="urgent")
    assert response.status_code == 409
    assert "Say why nobody else can approve it" in text(response)
    html = response.content.decode()
    assert "urgent</textarea>" in html
    assert PASSWORD not in html
    assert f'hx-get="{row.get_absolute_url()}"' in html
    confirm(client, row, "break-glass", seen=row.approval_digest, reason=EMERGENCY)
    assert reloaded(row).broke_glass == EMERGENCY


def test_a_digest_that_no_page_has_shown_approves_nothing(dana: User, efe: User, client_as: ClientAs) -> None:
    row, client = wizard_states.STATES["awaiting-approval"](dana, efe), client_as(efe)
    for seen in ("", "é", "0" * 64):
        response = confirm(client, row, "approve", seen=seen, ticked=["2", "x", "²", "9" * 99])
        assert response.status_code == 409
        assert "changed since your page was loaded" in text(response)


def test_settling_a_run_asks_for_the_password_and_keeps_what_was_typed(
    dana: User, efe: User, client_as: ClientAs
) -> None:
    row, client = wizard_states.STATES["needs-attention"](dana, efe), client_as(dana)
    said = {"answer": "undone", "words": "The column is there again, I looked.", "typed": "shop"}
    response = confirm(client, row, "settle", **said)
    assert response.status_code == 409
    assert "The column is there again, I looked.</textarea>" in response.content.decode()
    assert reloaded(row).status == "needs_attention"
    confirm(client, row, "settle", **{**said, "typed": row.phrase})
    assert (reloaded(row).status, reloaded(row).settled_by) == ("unchanged", dana)
    assert "UNDONE BY HAND" in text(client.get(row.get_absolute_url()))


def test_an_address_of_an_act_that_is_opened_does_nothing(dana: User, efe: User, client_as: ClientAs) -> None:
    row = wizard_states.STATES["awaiting-approval"](dana, efe)
    client: Client = client_as(efe)
    for name in ("approve", "run", "download"):
        assert client.get(f"{row.get_absolute_url()}{name}/").headers["Location"] == row.get_absolute_url()
    assert reloaded(row).status == "awaiting_approval"
