"""Approving alone: where it is allowed, while nobody else is there, with a reason that says something."""

from __future__ import annotations

from typing import Any

import pytest

from dbtools.models import DatabaseRollback
from dbtools.wizard import approval, break_glass
from dbtools.wizard.banners import banners_for_every_page
from dbtools.wizard.transitions import StepRefused
from rollback_portal.accounts.models import User
from rollback_portal.audit.record import Actor
from tests import factories
from tests.dbtools import rollback_rows
from tests.dbtools.views.wizard_client import ClientAs, page_for
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
REASON = "Nobody answers the phone at 3 a.m."


@pytest.fixture
def row(dana: User) -> DatabaseRollback:
    return rollback_rows.rollback(dana, "awaiting_approval")


def seen(user: User, minutes: int) -> None:
    User.objects.filter(pk=user.pk).update(last_seen_at=factories.ago(minutes=minutes))


def break_it(user: User, row: DatabaseRollback, reason: str = REASON) -> None:
    break_glass.break_glass(Actor.of(user), row, seen=row.approval_digest, reason=reason)


def test_it_is_shown_until_somebody_else_has_looked(row: DatabaseRollback, dana: User, efe: User) -> None:
    break_it(dana, row)
    assert approval.void_reason(row) == ""
    assert "Nobody answers the phone" in banners_for_every_page(dana)[0]["message"]
    with pytest.raises(StepRefused, match="Somebody else"):
        break_glass.follow_up(Actor.of(dana), row)
    break_glass.follow_up(Actor.of(efe), row)
    assert banners_for_every_page(dana) == []


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "urgent",
        "a" * 40,
        "aaa bbb ccc ddd",
        "ha ha ha ha ha ha",
        ". . . . . . . .",
        "1234567890",
        "x y z 1 2 3 4",
    ],
)
def test_a_reason_that_says_nothing_is_refused(row: DatabaseRollback, dana: User, reason: str) -> None:
    with pytest.raises(StepRefused, match="in a sentence"):
        break_it(dana, row, reason)
    assert DatabaseRollback.objects.get(pk=row.pk).status == "awaiting_approval"


@pytest.mark.parametrize(("minutes", "offered"), [(1, False), (14, False), (16, True), (600, True)])
def test_it_is_not_offered_while_another_admin_is_there(
    row: DatabaseRollback, dana: User, efe: User, client_as: ClientAs, minutes: int, offered: bool
) -> None:
    seen(efe, minutes)
    words = text(page_for(client_as, dana, row))
    assert ("Efe Brandt was at the portal" in words) != offered
    if offered:
        break_it(dana, row)
    else:
        with pytest.raises(StepRefused, match="ask them"):
            break_it(dana, row)


def test_who_may_not_approve_it_is_nobody_to_ask(row: DatabaseRollback, dana: User, efe: User) -> None:
    """Somebody who wrote a part of it, has another role or was deactivated cannot help."""
    for user in (dana, efe, factories.person("responder", "Ana Ruiz")):
        seen(user, 1)
    DatabaseRollback.objects.filter(pk=row.pk).update(authors=[dana.pk, efe.pk])
    gone = rollback_rows.admin("Kim Roe")
    seen(gone, 1)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    row.refresh_from_db()
    assert break_glass.why_not(dana.pk, row) == ""


def test_who_may_approve_it_does_not_break_the_glass(row: DatabaseRollback, efe: User) -> None:
    with pytest.raises(StepRefused, match="You may approve it yourself"):
        break_it(efe, row)


def test_it_can_be_switched_off(
    row: DatabaseRollback, dana: User, client_as: ClientAs, settings: Any
) -> None:
    settings.BREAK_GLASS = False
    with pytest.raises(StepRefused, match="switched off"):
        break_it(dana, row)
    assert "Break-glass is switched off here" in text(page_for(client_as, dana, row))


def test_a_second_persons_approval_ends_it(row: DatabaseRollback, dana: User, efe: User) -> None:
    break_it(dana, row)
    approval.decline(Actor.of(dana), row, reason="")
    approval.request_approval(Actor.of(dana), row)
    approval.approve(Actor.of(efe), row, seen=row.approval_digest, acknowledged_losses=[2])
    assert (row.approved_by_id, row.broke_glass) == (efe.pk, "")
    assert banners_for_every_page(dana) == []
