"""Workers that are killed during a run: all or nothing was done, and no lock remains."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from dbtools.execution.commit_outcome import COMMITTED, NOT_COMMITTED, find_outcome
from dbtools.postgres.client import DatabaseAddress
from tests.dbtools.execution.cut_connections import worker
from tests.dbtools.execution.small_database import DOWN, ended, locks_after, refill, spec, state

SLOW = (*DOWN[:2], "SELECT pg_sleep(3600)")


@pytest.mark.parametrize("event", ["began", "ran 1", "ran 2", "ran 3", "deleted", "committing"])
def test_a_worker_that_is_killed_between_two_statements_leaves_nothing(
    filled_shop: DatabaseAddress, tmp_path: Path, event: str
) -> None:
    approved, before = spec(filled_shop), state(filled_shop)
    killed = worker(filled_shop, approved, tmp_path / "notes", halt=event)
    assert killed.reach(event)
    killed.kill()
    assert locks_after(filled_shop, approved.id) == []
    assert find_outcome(filled_shop, approved, killed.identity, after="after").verdict == NOT_COMMITTED
    assert state(filled_shop) == before


def test_a_worker_that_is_killed_in_the_middle_of_a_statement_leaves_no_lock(
    filled_shop: DatabaseAddress, tmp_path: Path
) -> None:
    """Its table is locked against all readers; without the connection check it would be so for 60 s."""
    approved, before = spec(filled_shop, SLOW), state(filled_shop)
    killed = worker(filled_shop, approved, tmp_path / "notes")
    assert killed.reach("ran 2")
    killed.kill()
    assert locks_after(filled_shop, approved.id) == []
    assert state(filled_shop) == before


def test_a_worker_that_is_killed_at_any_moment_has_done_all_or_nothing(
    filled_shop: DatabaseAddress, tmp_path: Path
) -> None:
    after, random, verdicts = ended(filled_shop), Random(4), set()
    for number in range(10):
        approved, before = spec(filled_shop), state(filled_shop)
        killed = worker(filled_shop, approved, tmp_path / f"notes {number}")
        killed.reach(random.choice(["began", "ran 1", "ran 3", "deleted", "committing"]))
        if not killed.ends_within(random.random() * 0.02):
            killed.kill()
        assert locks_after(filled_shop, approved.id) == []
        outcome = find_outcome(filled_shop, approved, killed.identity, after=after.schema)
        verdicts.add(outcome.verdict)
        assert state(filled_shop) == {COMMITTED: after, NOT_COMMITTED: before}[outcome.verdict], outcome
        if outcome.verdict == COMMITTED:
            refill(filled_shop)
    assert verdicts
