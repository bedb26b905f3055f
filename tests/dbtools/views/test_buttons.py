"""Which buttons can be pressed, and the note beside each that cannot."""

from __future__ import annotations

import pytest

from dbtools.views.buttons import Viewer, run_button
from rollback_portal.accounts.models import User
from tests.dbtools import rollback_rows
from tests.dbtools.views import wizard_states
from tests.dbtools.views.wizard_client import ClientAs, buttons, page_for
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


def test_nobody_can_approve_what_they_requested_or_wrote(dana: User, efe: User, client_as: ClientAs) -> None:
    row = wizard_states.STATES["awaiting-approval"](dana, efe)
    assert "Approve for 15 minutes" in buttons(page_for(client_as, dana, row), disabled=True)
    assert "Approve for 15 minutes" in buttons(page_for(client_as, efe, row), disabled=False)
    wizard_states.changed(row, authors=[dana.pk, efe.pk])
    assert "Approve for 15 minutes" in buttons(page_for(client_as, efe, row), disabled=True)


@pytest.mark.parametrize("name", ["approved", "approved-expired"])
def test_a_run_can_be_started_only_while_its_approval_is_valid(
    name: str, dana: User, efe: User, client_as: ClientAs
) -> None:
    response = page_for(client_as, dana, wizard_states.STATES[name](dana, efe))
    assert "Roll the migration back now" in buttons(response, disabled=name != "approved")


def test_a_failed_rehearsal_cannot_be_put_up_for_approval(dana: User, efe: User, client_as: ClientAs) -> None:
    response = page_for(client_as, dana, wizard_states.STATES["rehearsed-failing"](dana, efe))
    assert "Ask a second admin to approve" in buttons(response, disabled=True)


def test_nothing_can_be_selected_if_no_migration_can_go(dana: User, client_as: ClientAs) -> None:
    stuck = [{**entry, "why_not": "It was edited since."} for entry in rollback_rows.migrations()]
    response = page_for(client_as, dana, rollback_rows.rollback(dana, "choosing", migrations=stuck))
    assert "Choose" in buttons(response, disabled=True)
    assert "none of them can be rolled back; each says why" in text(response)


def test_a_check_that_stops_is_named_and_needs_no_reason(dana: User, efe: User, client_as: ClientAs) -> None:
    words = text(page_for(client_as, dana, wizard_states.STATES["ready-stopped"](dana, efe)))
    assert "a preflight check blocks this: Replicas" in words
    assert "Why the warnings above are acceptable" not in words


@pytest.mark.parametrize(
    ("may", "void_reason", "code_operation", "note"),
    [
        (True, "", "", ""),
        (True, "", "Ana is at work.", "a code operation is under way"),
        (
            True,
            "It is not approved.",
            "Ana is at work.",
            "the approval is no longer valid",
        ),
        (False, "It is not approved.", "", "needs the role database admin"),
    ],
)
def test_the_run_button_says_first_what_can_be_changed_least(
    may: bool, void_reason: str, code_operation: str, note: str
) -> None:
    viewer = Viewer(may=may, needed="database admin", user_id=1, own=False, approved_it=False)
    button = run_button(viewer, void_reason=void_reason, code_operation=code_operation)
    assert (button.disabled, button.note) == (bool(note), note)


def test_giving_up_somebody_elses_work_asks_why(dana: User, efe: User, client_as: ClientAs) -> None:
    row = wizard_states.STATES["rehearsed-others"](dana, efe)
    question = "Efe Brandt requested this, and it was rehearsed. Why it is given up:"
    assert question in text(page_for(client_as, dana, row))
    assert question not in text(page_for(client_as, efe, row))


@pytest.mark.parametrize(("kind", "words"), [("download", "Ask to download"), ("restore", "Ask to restore")])
def test_what_was_asked_for_is_not_asked_for_twice(
    kind: str, words: str, dana: User, efe: User, client_as: ClientAs
) -> None:
    row = wizard_states.STATES["done"](dana, efe)
    assert any(words in one for one in buttons(page_for(client_as, dana, row), disabled=False))
    rollback_rows.release(row, dana, kind)
    assert any(words in one for one in buttons(page_for(client_as, dana, row), disabled=True))
    assert "it was asked for already, see below" in text(page_for(client_as, dana, row))
