"""A step and its audit entry are one transaction; a refusal is recorded, too."""

from __future__ import annotations

import pytest

from dbtools.wizard.transitions import StepRefused, refuse, step
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry, Outcome
from rollback_portal.audit.record import Actor
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db


def test_a_step_frees_the_row_for_the_next_worker(dana: User) -> None:
    row = rollback_rows.rollback(dana, "writing", lease_owner="11111111-1111-1111-1111-111111111111")
    step(Actor.of(dana), row, "checking", "Dana Okoro wrote the SQL.", action="SQL written")
    row.refresh_from_db()
    assert (row.status, row.lease_owner, row.message) == ("checking", None, "Dana Okoro wrote the SQL.")
    assert row.reached_at("checking") is not None


def test_a_step_that_cannot_be_taken_names_where_the_rollback_is_and_leaves_no_entry(dana: User) -> None:
    row = rollback_rows.rollback(dana, "needs_attention")
    with pytest.raises(StepRefused, match=r"at the step “needs attention”, and that.*Nothing was changed\."):
        step(Actor.of(dana), row, "checking", "Dana Okoro wrote the SQL.", action="SQL written")
    assert not AuditEntry.objects.exists()


def test_a_refusal_is_on_record(dana: User) -> None:
    row = rollback_rows.rollback(dana, "writing")
    with pytest.raises(StepRefused, match=r"There is no SQL\. Nothing was changed\."):
        refuse(Actor.of(dana), row, "SQL refused", "There is no SQL.")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.outcome) == ("database rollback: SQL refused", Outcome.REFUSED)
    assert "Dana Okoro was refused: There is no SQL." in entry.message
