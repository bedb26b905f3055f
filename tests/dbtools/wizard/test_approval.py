"""A second person approves exactly this run for 15 minutes, or somebody uses break-glass."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from dbtools.models import Backup, DatabaseRollback
from dbtools.wizard import approval
from dbtools.wizard.banners import banners_for_every_page
from dbtools.wizard.transitions import StepRefused
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from rollback_portal.audit.record import Actor
from tests import factories
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db


def awaiting_approval(dana: User) -> DatabaseRollback:
    row = rollback_rows.rollback(dana, "rehearsed")
    approval.request_approval(Actor.of(dana), row)
    return row


def test_a_second_admin_approves_what_they_saw_and_ticked(dana: User, efe: User) -> None:
    row = awaiting_approval(dana)
    approval.approve(Actor.of(efe), row, seen=row.approval_digest, acknowledged_losses=[2])
    assert (row.status, row.approved_by) == ("approved", efe)
    assert approval.void_reason(row) == ""


def test_nobody_approves_their_own_rollback(dana: User) -> None:
    row = awaiting_approval(dana)
    with pytest.raises(StepRefused, match="Nobody may approve what they requested"):
        approval.approve(Actor.of(dana), row, seen=row.approval_digest, acknowledged_losses=[2])


def test_an_author_of_the_sql_cannot_approve_it(dana: User, efe: User) -> None:
    row = awaiting_approval(dana)
    DatabaseRollback.objects.filter(pk=row.pk).update(authors=[dana.pk, efe.pk])
    row.refresh_from_db()
    with pytest.raises(StepRefused, match="wrote themselves"):
        approval.approve(Actor.of(efe), row, seen=row.approval_digest, acknowledged_losses=[2])


def test_a_loss_that_was_not_ticked_is_not_approved(dana: User, efe: User) -> None:
    row = awaiting_approval(dana)
    with pytest.raises(StepRefused, match="statement 2 was not ticked"):
        approval.approve(Actor.of(efe), row, seen=row.approval_digest, acknowledged_losses=[1])


def test_no_approval_is_requested_after_a_failed_rehearsal(dana: User) -> None:
    row = rollback_rows.rollback(
        dana, "rehearsed", rehearsal=rollback_rows.report(passed=False, message="The schemas differ.")
    )
    with pytest.raises(StepRefused, match="The schemas differ"):
        approval.request_approval(Actor.of(dana), row)


CHANGES: dict[str, Any] = {
    "one byte of the SQL": {"sql": rollback_rows.SQL + " "},
    "the schema": {"fingerprint": "another"},
    "the history": {"history": "another"},
    "the chosen migrations": {"selected": list(rollback_rows.NAMES)},
    "the rehearsal": {"rehearsal": rollback_rows.report(sha256="another")},
}


@pytest.mark.parametrize("what", [*CHANGES, "the backup"])
def test_an_approval_is_void_as_soon_as_one_part_changes(dana: User, efe: User, what: str) -> None:
    row = rollback_rows.approved(dana, efe)
    assert approval.void_reason(row) == ""
    if what == "the backup":
        Backup.objects.filter(rollbacks=row).update(sha256="another")
    else:
        DatabaseRollback.objects.filter(pk=row.pk).update(**CHANGES[what])
    row = DatabaseRollback.objects.shown().get(pk=row.pk)
    assert "void" in approval.void_reason(row)
    with pytest.raises(StepRefused, match="void"):
        approval.start_run(Actor.of(dana), row, typed=row.phrase)


@pytest.mark.parametrize("what", list(CHANGES))
def test_a_page_that_is_older_than_a_change_approves_nothing(dana: User, efe: User, what: str) -> None:
    row = awaiting_approval(dana)
    seen = row.approval_digest
    DatabaseRollback.objects.filter(pk=row.pk).update(**CHANGES[what])
    row = DatabaseRollback.objects.shown().get(pk=row.pk)
    with pytest.raises(StepRefused, match="changed since"):
        approval.approve(Actor.of(efe), row, seen=seen, acknowledged_losses=[2])


def test_a_rehearsal_that_says_not_what_it_changed_is_made_again(dana: User, efe: User) -> None:
    """An earlier version of the portal wrote none of it, so a run could not be compared."""
    report = rollback_rows.report()
    del report["change"]
    row = rollback_rows.approved(dana, efe, rehearsal=report)
    assert "rehearse it again" in approval.void_reason(row)


def test_an_approval_lasts_15_minutes(dana: User, efe: User) -> None:
    fresh = rollback_rows.approved(dana, efe, approved_at=timezone.now() - timedelta(minutes=14, seconds=50))
    assert approval.void_reason(fresh) == ""
    fresh.approved_at = timezone.now() - timedelta(minutes=15, seconds=1)
    assert "15 minutes" in approval.void_reason(fresh)


def test_an_approval_is_void_once_the_approver_has_lost_the_role(dana: User, efe: User) -> None:
    row = rollback_rows.approved(dana, efe)
    efe.groups.clear()
    row = DatabaseRollback.objects.shown().get(pk=row.pk)
    assert "no longer a database admin" in approval.void_reason(row)


def test_the_name_has_to_be_typed_letter_by_letter(dana: User, efe: User) -> None:
    row = rollback_rows.approved(dana, efe)
    for typed in ("", "shop", row.phrase[:-1], row.phrase.upper(), f"{row.phrase}x"):
        with pytest.raises(StepRefused, match="What was typed"):
            approval.start_run(Actor.of(dana), row, typed=typed)
    approval.start_run(Actor.of(dana), row, typed=f" {row.phrase} ")
    assert row.status == "running"


def test_a_run_waits_for_a_code_operation(dana: User, efe: User) -> None:
    service = factories.service("api")
    factories.change(service)
    row = rollback_rows.approved(dana, efe, database=rollback_rows.database(services=[service.slug]))
    with pytest.raises(StepRefused, match="under way"):
        approval.start_run(Actor.of(dana), row, typed=row.phrase)
    row.refresh_from_db()
    assert row.status == "approved"
    assert AuditEntry.objects.latest("id").action == "database rollback: run refused"


def test_a_break_glass_approval_is_shown_until_somebody_else_has_looked(dana: User, efe: User) -> None:
    row = awaiting_approval(dana)
    with pytest.raises(StepRefused, match="in a sentence"):
        approval.break_glass(Actor.of(dana), row, seen=row.approval_digest, reason="urgent")
    approval.break_glass(
        Actor.of(dana), row, seen=row.approval_digest, reason="Nobody answers the phone at 3 a.m."
    )
    assert approval.void_reason(row) == ""
    assert "Nobody answers the phone" in banners_for_every_page()[0]["message"]
    with pytest.raises(StepRefused, match="Somebody else"):
        approval.follow_up(Actor.of(dana), row)
    approval.follow_up(Actor.of(efe), row)
    assert banners_for_every_page() == []


def test_a_declined_rollback_goes_back_to_the_rehearsal(dana: User, efe: User) -> None:
    row = awaiting_approval(dana)
    approval.decline(Actor.of(efe), row, reason="Try a forward fix first")
    assert (row.status, row.approval_digest) == ("rehearsed", "")
    assert "Try a forward fix first" in row.message
