"""The summary of the locks that a rehearsal has seen."""

from __future__ import annotations

import pytest

from dbtools.models.documents import StoredLock
from dbtools.views.rehearsal_context import lock_summary


@pytest.mark.parametrize(
    ("tables", "summary"),
    [
        ([], "No lock on a table was seen. The run took 1.1 s."),
        (["A"], "Locks: SHARE on A for 0.4 s. The run took 1.1 s."),
        (
            ["A", "B", "C", "D", "E"],
            "Locks: SHARE on A for 0.4 s, SHARE on B for 0.4 s, SHARE on C for 0.4 s, and 2 more. "
            "The run took 1.1 s.",
        ),
    ],
)
def test_three_locks_are_named_and_the_others_counted(tables: list[str], summary: str) -> None:
    locks: list[StoredLock] = [{"table": table, "mode": "SHARE", "seconds": 0.4} for table in tables]
    assert lock_summary(locks, 1.1) == summary
