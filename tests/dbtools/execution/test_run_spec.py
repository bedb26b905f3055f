"""How a run describes what happened to it."""

from __future__ import annotations

from dbtools.execution.run_spec import Blocker


def test_a_blocker_is_described_on_one_line_without_what_is_unknown() -> None:
    blocker = Blocker(
        pid=42, user="", application="a report", state="idle in transaction", seconds=7.4,
        query="SELECT\n  1",
    )  # fmt: skip
    assert blocker.message == "process 42 (a report, idle in transaction, for 7 s): SELECT 1"
