"""A second person, exactly this, for 15 minutes; or a broken glass that everybody sees."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from dbtools.models import Backup, DatabaseRollback
from dbtools.wizard import approval, banners
from dbtools.wizard.transitions import NotPossible
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from tests import factories
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana() -> User:
    return factories.person("database admin", "Dana Okoro")


@pytest.fixture
def efe() -> User:
    return factories.person("database admin", "Efe Brandt")


def asked(dana: User) -> DatabaseRollback:
    row = rollback_rows.rollback(dana, "rehearsed")
    approval.ask(rollback_rows.actor(dana), row)
    return row


def test_a_second_admin_approves_what_they_saw_and_the_loss_that_they_ticked(dana: User, efe: User) -> None:
    row = asked(dana)
    approval.approve(rollback_rows.actor(efe), row, seen=row.approval_digest, acknowledged_losses=[2])
    assert (row.status, row.approved_by) == ("approved", efe)
    assert approval.why_not_run(row) == ""


def test_nobody_approves_their_own(dana: User) -> None:
    row = asked(dana)
    with pytest.raises(NotPossible, match="Nobody approves what they asked for"):
        approval.approve(rollback_rows.actor(dana), row, seen=row.approval_digest, acknowledged_losses=[2])
    with pytest.raises(IntegrityError), transaction.atomic():  # PostgreSQL itself refuses it
        DatabaseRollback.objects.filter(pk=row.pk).update(approved_by=dana)


def test_whoever_wrote_a_part_of_the_sql_does_not_approve_it(dana: User, efe: User) -> None:
    row = asked(dana)
    DatabaseRollback.objects.filter(pk=row.pk).update(authors=[dana.pk, efe.pk])
    row.refresh_from_db()
    with pytest.raises(NotPossible, match="wrote themselves"):
        approval.approve(rollback_rows.actor(efe), row, seen=row.approval_digest, acknowledged_losses=[2])


def test_a_loss_that_was_not_ticked_is_not_approved(dana: User, efe: User) -> None:
    row = asked(dana)
    with pytest.raises(NotPossible, match="statement 2 was not ticked"):
        approval.approve(rollback_rows.actor(efe), row, seen=row.approval_digest, acknowledged_losses=[1])


def test_a_rehearsal_that_did_not_pass_is_not_put_to_anybody(dana: User) -> None:
    row = rollback_rows.rollback(
        dana, "rehearsed", rehearsal=rollback_rows.report(passed=False, message="The schemas differ.")
    )
    with pytest.raises(NotPossible, match="The schemas differ"):
        approval.ask(rollback_rows.actor(dana), row)


CHANGES: dict[str, Any] = {
    "one byte of the SQL": {"sql": rollback_rows.SQL + " "},
    "the schema": {"fingerprint": "another"},
    "the history": {"history": "another"},
    "the chosen migrations": {"selected": list(rollback_rows.NAMES)},
    "the rehearsal": {"rehearsal": rollback_rows.report(sha256="another")},
}


@pytest.mark.parametrize("what", [*CHANGES, "the backup"])
def test_an_approval_is_void_as_soon_as_one_part_is_another(dana: User, efe: User, what: str) -> None:
    row = rollback_rows.approved(dana, efe)
    assert approval.why_not_run(row) == ""
    if what == "the backup":
        Backup.objects.filter(rollbacks=row).update(sha256="another")
    else:
        DatabaseRollback.objects.filter(pk=row.pk).update(**CHANGES[what])
    row = DatabaseRollback.objects.shown().get(pk=row.pk)
    assert "void" in approval.why_not_run(row)
    with pytest.raises(NotPossible, match="void"):
        approval.run(rollback_rows.actor(dana), row, typed=row.phrase)


@pytest.mark.parametrize("what", list(CHANGES))
def test_a_page_that_is_older_than_a_change_approves_nothing(dana: User, efe: User, what: str) -> None:
    row = asked(dana)
    seen = row.approval_digest
    DatabaseRollback.objects.filter(pk=row.pk).update(**CHANGES[what])
    row = DatabaseRollback.objects.shown().get(pk=row.pk)
    with pytest.raises(NotPossible, match="changed since"):
        approval.approve(rollback_rows.actor(efe), row, seen=seen, acknowledged_losses=[2])


def test_an_approval_lasts_15_minutes(dana: User, efe: User) -> None:
    fresh = rollback_rows.approved(dana, efe, approved_at=timezone.now() - timedelta(minutes=14, seconds=50))
    assert approval.why_not_run(fresh) == ""
    fresh.approved_at = timezone.now() - timedelta(minutes=15, seconds=1)
    assert "15 minutes" in approval.why_not_run(fresh)


def test_an_approver_who_lost_the_role_approved_nothing(dana: User, efe: User) -> None:
    row = rollback_rows.approved(dana, efe)
    efe.groups.clear()
    row = DatabaseRollback.objects.shown().get(pk=row.pk)
    assert "no database admin any more" in approval.why_not_run(row)


def test_the_name_has_to_be_typed_letter_by_letter(dana: User, efe: User) -> None:
    row = rollback_rows.approved(dana, efe)
    for typed in ("", "shop", row.phrase[:-1], row.phrase.upper(), f"{row.phrase}x"):
        with pytest.raises(NotPossible, match="What was typed"):
            approval.run(rollback_rows.actor(dana), row, typed=typed)
    approval.run(rollback_rows.actor(dana), row, typed=f" {row.phrase} ")
    assert row.status == "running"


def test_a_run_waits_for_code_that_is_being_moved(dana: User, efe: User) -> None:
    service = factories.service("api")
    factories.change(service)
    row = rollback_rows.approved(dana, efe, database=rollback_rows.database(services=[service.slug]))
    with pytest.raises(NotPossible, match="under way"):
        approval.run(rollback_rows.actor(dana), row, typed=row.phrase)
    row.refresh_from_db()
    assert row.status == "approved"
    assert AuditEntry.objects.latest("id").action == "database rollback: run refused"


def test_a_broken_glass_is_seen_by_everybody_until_somebody_else_has_looked(dana: User, efe: User) -> None:
    row = asked(dana)
    with pytest.raises(NotPossible, match="in a sentence"):
        approval.break_glass(rollback_rows.actor(dana), row, seen=row.approval_digest, reason="urgent")
    approval.break_glass(
        rollback_rows.actor(dana), row, seen=row.approval_digest, reason="Nobody answers the phone at 3 a.m."
    )
    assert approval.why_not_run(row) == ""
    assert "Nobody answers the phone" in banners.for_everybody()[0]["message"]
    with pytest.raises(NotPossible, match="Somebody else"):
        approval.follow_up(rollback_rows.actor(dana), row)
    approval.follow_up(rollback_rows.actor(efe), row)
    assert banners.for_everybody() == []


def test_who_declines_sends_it_back_to_the_rehearsal(dana: User, efe: User) -> None:
    row = asked(dana)
    approval.decline(rollback_rows.actor(efe), row, reason="Try a forward fix first")
    assert (row.status, row.approval_digest) == ("rehearsed", "")
    assert "Try a forward fix first" in row.message
