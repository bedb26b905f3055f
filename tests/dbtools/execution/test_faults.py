"""Whatever dies during a run: everything is as before or everything is done, and no lock stays."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from dbtools.execution.commit_outcome import COMMITTED, NOT_COMMITTED, resolve
from dbtools.postgres.client import Target
from tests.dbtools.execution.cut_connections import worker
from tests.dbtools.execution.small_database import DOWN, ended, fill, locks_after, order, refill, state

SLOW = (*DOWN[:2], "SELECT pg_sleep(20)")


@pytest.fixture
def shop(shop: Target) -> Target:
    fill(shop)
    return shop


@pytest.mark.parametrize("word", ["began", "ran 1", "ran 2", "ran 3", "deleted", "committing"])
def test_a_worker_that_is_killed_between_two_statements_leaves_nothing(
    shop: Target, tmp_path: Path, word: str
) -> None:
    told, before = order(shop), state(shop)
    killed = worker(shop, told, tmp_path / "notes", halt=word)
    assert killed.reach(word)
    killed.kill()
    assert locks_after(shop, told.id) == []
    assert resolve(shop, told, killed.identity, after="after").verdict == NOT_COMMITTED
    assert state(shop) == before


def test_a_worker_that_is_killed_in_the_middle_of_a_statement_leaves_no_lock(
    shop: Target, tmp_path: Path
) -> None:
    """Its table is locked against all readers; without asking, the server would notice after 20 s."""
    told, before = order(shop, SLOW), state(shop)
    killed = worker(shop, told, tmp_path / "notes")
    assert killed.reach("ran 2")
    killed.kill()
    assert locks_after(shop, told.id) == []
    assert state(shop) == before


def test_a_worker_that_is_killed_at_any_moment_has_done_all_or_nothing(shop: Target, tmp_path: Path) -> None:
    after, random, verdicts = ended(shop), Random(4), set()
    for number in range(10):
        told, before = order(shop), state(shop)
        killed = worker(shop, told, tmp_path / f"notes {number}")
        killed.reach(random.choice(["began", "ran 1", "ran 3", "deleted", "committing"]))
        if not killed.over(random.random() * 0.02):
            killed.kill()
        assert locks_after(shop, told.id) == []
        found = resolve(shop, told, killed.identity, after=after.schema)
        verdicts.add(found.verdict)
        assert state(shop) == {COMMITTED: after, NOT_COMMITTED: before}[found.verdict], found
        if found.verdict == COMMITTED:
            refill(shop)
    assert verdicts
