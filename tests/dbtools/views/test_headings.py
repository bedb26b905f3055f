"""What a page of the wizard is headed with."""

from __future__ import annotations

import pytest

from dbtools.models import STEPS, Database, DatabaseRollback
from dbtools.views.headings import VERDICTS, heading, page_title

STATUSES = [status for _, statuses in STEPS for status in statuses]


@pytest.mark.parametrize("status", STATUSES)
def test_a_run_that_has_ended_is_headed_with_its_verdict(status: str) -> None:
    row = DatabaseRollback(database=Database(name="shop"), status=status, selected=["3_c", "2_b"])
    head = heading(row)
    assert (head.subject, head.more) == ("2_b", "and 1 later")
    if status in VERDICTS:
        assert (head.text, head.tone) == VERDICTS[status]
        assert page_title(row, "Afterwards") == head.text
    else:
        assert (head.text, head.tone) == ("Roll back", "")
        assert page_title(row, "Run") == "Run"


def test_every_status_in_which_nothing_more_runs_has_a_verdict() -> None:
    afterwards = set(STEPS[-1][1]) - set(DatabaseRollback.WORKER_STATUSES)
    assert set(VERDICTS) == afterwards


def test_before_a_migration_is_chosen_the_database_is_named() -> None:
    row = DatabaseRollback(database=Database(name="shop"), status="deciding")
    assert heading(row).text == "Roll a migration of shop back"
    row.status = "abandoned"
    assert (heading(row).text, heading(row).subject) == (
        "Abandoned, nothing was changed",
        "a migration of shop",
    )
