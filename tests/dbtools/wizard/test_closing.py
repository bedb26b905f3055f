"""A run that needs attention ends only with the name and the words of a person who has looked."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from dbtools.models import DatabaseRollback
from dbtools.wizard import actions, closing
from dbtools.wizard.transitions import StepRefused
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from rollback_portal.audit.record import Actor
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db
SAW = "The column is back, the row is gone"


@pytest.mark.parametrize(
    ("answer", "status"), [("committed", "done"), ("undone", "unchanged"), ("not committed", "unchanged")]
)
def test_a_person_says_how_the_database_stands_and_that_unlocks_it(
    answer: str, status: str, dana: User
) -> None:
    row = rollback_rows.rollback(dana, "needs_attention")
    with pytest.raises(StepRefused, match="under way"):
        actions.start(Actor.of(dana), row.database)
    closing.settle(Actor.of(dana), row, answer=answer, findings=SAW, typed=row.phrase)
    row.refresh_from_db()
    assert (row.status, row.settled_as, row.settled_because) == (status, answer, SAW)
    assert (row.settled_by, row.settled_by_name, row.settled_at) == (dana, "Dana Okoro", row.ended_at)
    entry = AuditEntry.objects.latest("id")
    assert entry.action == "database rollback: settled by hand"
    assert SAW in entry.message
    assert actions.start(Actor.of(dana), row.database).status == "deciding"


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"answer": ""}, "Choose what you found"),
        ({"answer": "again"}, "Choose what you found"),
        ({"findings": "   yes     "}, "what you saw"),
        ({"typed": "shop"}, "What was typed is not shop/"),
        ({"typed": "é"}, "What was typed is not shop/"),
    ],
)
def test_it_needs_an_answer_findings_and_the_typed_name(
    given: dict[str, str], refusal: str, dana: User
) -> None:
    row = rollback_rows.rollback(dana, "needs_attention")
    whole = {"answer": "committed", "findings": SAW, "typed": row.phrase, **given}
    with pytest.raises(StepRefused, match=refusal):
        closing.settle(Actor.of(dana), row, **whole)
    row.refresh_from_db()
    assert row.status == "needs_attention"


def test_the_worker_can_be_asked_to_look_again(dana: User) -> None:
    row = rollback_rows.rollback(dana, "needs_attention")
    closing.look_again(Actor.of(dana), row)
    assert (row.status, row.ended_at) == ("resolving", None)


def test_only_a_run_that_needs_attention_is_settled(dana: User) -> None:
    row = rollback_rows.rollback(dana, "verifying")
    with pytest.raises(StepRefused, match="not possible from there"):
        closing.settle(Actor.of(dana), row, answer="undone", findings=SAW, typed=row.phrase)


def moved(row: DatabaseRollback, **fields: Any) -> bool:
    """Whether PostgreSQL lets the row end like this."""
    try:
        with transaction.atomic():
            return row.move(**fields)
    except IntegrityError:
        return False


@pytest.mark.parametrize(
    "missing", ["settled_as", "settled_because", "settled_by", "settled_by_name", "settled_at"]
)
def test_postgresql_refuses_an_end_that_nobody_has_named(missing: str, dana: User) -> None:
    row = rollback_rows.rollback(dana, "needs_attention")
    whole: dict[str, Any] = {
        "settled_as": "undone", "settled_because": SAW, "settled_by": dana, "settled_by_name": "Dana",
        "settled_at": timezone.now(),
    }  # fmt: skip
    nothing = None if missing in ("settled_by", "settled_at") else ""
    assert not moved(row, to="unchanged", **{**whole, missing: nothing})
    assert not moved(row, to="done", **whole), "what was undone does not stand"
    assert moved(row, to="unchanged", **whole)


def test_what_the_version_before_writes_is_filled_in(dana: User) -> None:
    """Its processes are still at work while the new version starts."""
    row = rollback_rows.rollback(dana, "needs_attention")
    message = f"Dana Okoro looked at the database: the rollback was committed. {SAW}"
    assert moved(row, to="done", message=message)
    row.refresh_from_db()
    assert (row.settled_as, row.settled_by_name, row.settled_because) == ("committed", "Dana Okoro", message)
