"""A second person approves exactly this run for 15 minutes, and it is void as soon as anything changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from dbtools.models import Backup, DatabaseRollback
from dbtools.wizard import approval
from dbtools.wizard.binding import digest_of
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
    "what the rehearsal said": {"rehearsal": rollback_rows.report(lose=[])},
    "the stored parse": {"sql_analysis": {**rollback_rows.analysis(), "path": "alone"}},
    "the rows to delete": {"migrations": [{**row, "row": "x"} for row in rollback_rows.migrations()]},
    "the server": {"target": {**rollback_rows.TARGET, "system": "1"}},
    "the database's oid": {"target": {**rollback_rows.TARGET, "oid": 1}},
    "the address": {"target": {**rollback_rows.TARGET, "address": "shop@other:5432/shop?schema=public"}},
    "the checks that passed": {"preflight": []},
    "what the migrations did": {"draft": {"up": [{"name": "1", "sql": "GRANT ALL ON x TO y"}]}},
    "who wrote it": {"authors": []},
}
# What only an approval that was given covers.
GIVEN: dict[str, Any] = {
    "when it was approved": {"approved_at": timezone.now() + timedelta(minutes=5)},
    "what was ticked": {"acknowledged_losses": []},
    "that it was alone": {"broke_glass": "Nobody answers the phone at 3 a.m."},
}


@pytest.mark.parametrize("what", [*CHANGES, *GIVEN, "the backup"])
def test_an_approval_is_void_as_soon_as_one_part_changes(dana: User, efe: User, what: str) -> None:
    row = rollback_rows.approved(dana, efe)
    assert approval.void_reason(row) == ""
    if what == "the backup":
        Backup.objects.filter(rollbacks=row).update(sha256="another")
    else:
        DatabaseRollback.objects.filter(pk=row.pk).update(**{**CHANGES, **GIVEN}[what])
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


def test_the_digest_of_an_approval_cannot_be_made_without_the_key(
    dana: User, efe: User, settings: Any
) -> None:
    row = rollback_rows.approved(dana, efe)
    assert approval.void_reason(row) == ""
    settings.SECRET_KEY = "what somebody guesses who can write to the table"
    assert digest_of(row) != row.approval_digest


@pytest.mark.parametrize("who", ["who requested it", "who approved it", "who started it", "who wrote it"])
@pytest.mark.parametrize("how", ["deactivated", "without the role"])
def test_an_approval_is_void_once_somebody_who_answers_for_it_lost_the_right(
    who: str, how: str, dana: User, efe: User
) -> None:
    kim, lu = (rollback_rows.admin(name) for name in ("Kim Roe", "Lu Roe"))
    row = rollback_rows.approved(dana, efe, authors=[dana.pk, lu.pk], started_by=kim)
    assert approval.void_reason(row) == ""
    people = {"who requested it": dana, "who approved it": efe, "who started it": kim, "who wrote it": lu}
    person = people[who]
    if how == "deactivated":
        User.objects.filter(pk=person.pk).update(is_active=False)
    else:
        person.groups.clear()
    row = DatabaseRollback.objects.shown().get(pk=row.pk)
    assert (
        approval.void_reason(row) == f"{person.display} is no longer a database admin: the approval is void."
    )


def test_an_approval_is_for_one_request(dana: User, efe: User) -> None:
    row = awaiting_approval(dana)
    seen = row.approval_digest
    approval.decline(Actor.of(efe), row, reason="")
    approval.request_approval(Actor.of(dana), row)
    with pytest.raises(StepRefused, match="changed since"):
        approval.approve(Actor.of(efe), row, seen=seen, acknowledged_losses=[2])


def test_what_changes_while_it_is_approved_is_not_approved(dana: User, efe: User) -> None:
    """The row in memory is older than the one in the table."""
    row = awaiting_approval(dana)
    DatabaseRollback.objects.filter(pk=row.pk).update(approval_digest="of another request")
    with pytest.raises(StepRefused):
        approval.approve(Actor.of(efe), row, seen=row.approval_digest, acknowledged_losses=[2])
    assert DatabaseRollback.objects.get(pk=row.pk).status == "awaiting_approval"


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


def test_a_declined_rollback_goes_back_to_the_rehearsal(dana: User, efe: User) -> None:
    row = awaiting_approval(dana)
    approval.decline(Actor.of(efe), row, reason="Try a forward fix first")
    assert (row.status, row.approval_digest) == ("rehearsed", "")
    assert "Try a forward fix first" in row.message
