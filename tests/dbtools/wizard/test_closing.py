"""Step 9: runs whose outcome is unknown."""

from __future__ import annotations

import pytest

from dbtools.wizard import closing
from dbtools.wizard.transitions import StepRefused
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from rollback_portal.audit.record import Actor
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db


def test_a_run_with_an_unknown_outcome_is_settled_by_a_person_who_says_what_they_saw(dana: User) -> None:
    row = rollback_rows.rollback(dana, "needs_attention")
    with pytest.raises(StepRefused, match="what you saw"):
        closing.settle(Actor.of(dana), row, answer="committed", findings="")
    closing.settle(Actor.of(dana), row, answer="committed", findings="The column is back, the row is gone")
    assert row.status == "done"
    assert "The column is back" in AuditEntry.objects.latest("id").message


def test_the_worker_can_be_asked_to_look_again_without_findings(dana: User) -> None:
    row = rollback_rows.rollback(dana, "needs_attention")
    closing.settle(Actor.of(dana), row, answer="again", findings="")
    assert (row.status, row.ended_at) == ("resolving", None)
