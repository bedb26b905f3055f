"""Steps 5 and 6: what the rehearsal catches, and which history can be replayed for it."""

from __future__ import annotations

import pytest

from dbtools.models.document_field import conform
from dbtools.models.documents import StoredMigration
from dbtools.postgres.client import Connection, DatabaseAddress
from dbtools.wizard import approval
from dbtools.wizard.transitions import StepRefused
from dbtools.wizard.worker.backup_and_rehearse import why_not_replayed
from rollback_portal.accounts.models import User
from rollback_portal.audit.record import Actor
from tests.dbtools.wizard.worker.full_runs import advance_to_rehearsed, order_columns

pytestmark = pytest.mark.django_db(transaction=True)


def test_wrong_sql_is_caught_by_the_rehearsal_and_never_runs(
    practice: DatabaseAddress, opened_shop: Connection, dana: User
) -> None:
    before = order_columns(opened_shop)
    row = advance_to_rehearsed(dana, 'ALTER TABLE "Order" DROP COLUMN "priceCents";')
    assert row.status == "rehearsed"
    assert row.rehearsal["passed"] is False
    assert any(check["lines"] for check in row.rehearsal["checks"])
    with pytest.raises(StepRefused):
        approval.request_approval(Actor.of(dana), row)
    assert order_columns(opened_shop) == before


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        (["applied"], ""),
        (["applied", "edited since"], "1_m was edited after it was applied."),
        (["unknown to the folder"], "0_m is not in the folder."),
        (["squashed baseline", "unknown to the folder"], ""),
        (["no SQL"], "0_m has no migration.sql in the folder."),
    ],
)
def test_a_history_is_replayed_only_if_the_folder_has_all_of_it(states: list[str], reason: str) -> None:
    earlier: list[StoredMigration] = [
        conform(StoredMigration, {"name": f"{number}_m", "state": state, "row": "id"})
        for number, state in enumerate(states)
    ]
    assert why_not_replayed(earlier) == reason
