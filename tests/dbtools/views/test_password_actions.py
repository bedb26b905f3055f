"""Actions that ask for the password again are done exactly once."""

from __future__ import annotations

import pytest

from dbtools.models import Restore
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from tests.dbtools.views import wizard_states
from tests.dbtools.views.wizard_client import ClientAs, confirm_password, press, reloaded
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


def test_an_approval_asks_for_the_password_and_is_done_once(
    dana: User, efe: User, client_as: ClientAs
) -> None:
    row, client = wizard_states.STATES["awaiting-approval"](dana, efe), client_as(efe)
    asked = press(client, row, "approve", seen=row.approval_digest, ticked=["2"])
    assert reloaded(row).status == "awaiting_approval"
    response = confirm_password(client, asked, "wrong")
    assert response.status_code == 200
    assert reloaded(row).status == "awaiting_approval"
    response = confirm_password(client, asked)
    assert (response.status_code, response.headers["Location"]) == (303, row.get_absolute_url())
    assert (reloaded(row).status, reloaded(row).approved_by, reloaded(row).acknowledged_losses) == (
        "approved",
        efe,
        [2],
    )
    response = confirm_password(client, asked)  # pressed twice, or reloaded
    assert client.get(response.headers["Location"]).headers["Location"] == row.get_absolute_url()
    assert AuditEntry.objects.filter(action="database rollback: approved").count() == 1


def test_an_action_refused_after_the_password_draws_a_page_that_works(
    dana: User, efe: User, client_as: ClientAs
) -> None:
    row, client = wizard_states.STATES["awaiting-approval"](dana, efe), client_as(dana)
    response = confirm_password(
        client, press(client, row, "break-glass", seen=row.approval_digest, reason="urgent")
    )
    assert response.status_code == 409
    assert "Say why nobody else can approve it" in text(response)
    html = response.content.decode()
    assert "urgent</textarea>" in html
    assert f'hx-get="{row.get_absolute_url()}"' in html
    good = "Nobody answers the phone at 3 a.m."
    assert (
        press(client, row, "break-glass", seen=row.approval_digest, reason=good).status_code == 303
    )  # 5 min
    assert reloaded(row).broke_glass == good


def test_a_run_asks_for_the_password_and_starts_once(dana: User, efe: User, client_as: ClientAs) -> None:
    row, client = wizard_states.STATES["approved"](dana, efe), client_as(dana)
    asked = press(client, row, "run", typed=row.phrase)
    assert reloaded(row).status == "approved"
    confirm_password(client, asked)
    confirm_password(client, asked)
    assert reloaded(row).status == "running"
    assert AuditEntry.objects.filter(action="database rollback: run started").count() == 1


def test_a_digest_that_no_page_has_shown_approves_nothing(dana: User, efe: User, client_as: ClientAs) -> None:
    row, client = wizard_states.STATES["awaiting-approval"](dana, efe), client_as(efe)
    for seen in ("", "é", "0" * 64):
        asked = press(client, row, "approve", seen=seen, ticked=["2", "x", "²", "9" * 99])
        response = confirm_password(client, asked) if asked.status_code == 302 else asked
        assert response.status_code == 409
        assert "changed since your page was loaded" in text(response)


def test_a_restore_asks_for_the_password_and_is_started_once(
    dana: User, efe: User, client_as: ClientAs
) -> None:
    row, client = wizard_states.STATES["done"](dana, efe), client_as(dana)
    confirm_password(client, press(client, row, "restore", name="restored_shop"))
    response = press(client, row, "restore", name="restored_shop_2")
    assert response.status_code == 409
    assert "being restored already" in text(response)
    assert Restore.objects.count() == 1
    assert "Choose" not in text(press(client, row, "restore", name="Bad Name; DROP"))


def test_settling_a_run_asks_for_the_password_and_keeps_what_was_typed(
    dana: User, efe: User, client_as: ClientAs
) -> None:
    row, client = wizard_states.STATES["needs-attention"](dana, efe), client_as(dana)
    said = {"answer": "undone", "words": "The column is there again, I looked.", "typed": "shop"}
    response = confirm_password(client, press(client, row, "settle", **said))
    assert response.status_code == 409
    assert "The column is there again, I looked.</textarea>" in response.content.decode()
    assert reloaded(row).status == "needs_attention"
    press(client, row, "settle", **{**said, "typed": row.phrase})
    assert (reloaded(row).status, reloaded(row).settled_by) == ("unchanged", dana)
    assert "UNDONE BY HAND" in text(client.get(row.get_absolute_url()))
