"""A restore of many tables in one transaction needs a lock table of its size."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbtools.postgres import backups, client
from dbtools.postgres.client import Connection, DatabaseAddress
from dbtools.postgres.scratch import embedded, locks
from dbtools.postgres.scratch.locks import LEAST_EACH, locks_each, relations_of
from tests.dbtools.rehearsal.small_project import programs_for

TABLES = 500
MANY = f"""
DO $$ BEGIN FOR n IN 1..{TABLES} LOOP
  EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, note text)', n);
END LOOP; END $$
"""


def test_an_embedded_server_has_room_for_what_is_restored_to_it() -> None:
    assert locks_each(0) == LEAST_EACH
    assert locks_each(100_000) == 2_000  # for each of 100 connections


def test_a_restore_has_room_for_as_many_locks_as_it_makes_relations(
    opened: Connection, shop: DatabaseAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the least that PostgreSQL allows for each connection, its lock table is too small for them."""
    opened.execute(MANY.encode())
    made = relations_of(shop)
    assert made == TABLES * 5  # each with a key, a sequence, and a table with an index for long values
    taken = backups.take(shop, programs_for(shop), tmp_path / "backups")
    monkeypatch.setattr(locks, "LEAST_EACH", 10)
    with embedded(tmp_path / "one", relations=made) as scratch, scratch.database() as empty:
        backups.restore(empty, Path(taken.path), scratch.programs)
        with client.connect(empty, "tests") as connection:
            row = connection.execute("SELECT count(*) FROM pg_class WHERE relname ~ '^t[0-9]+$'").fetchone()
    assert row == (TABLES,)
    with (
        embedded(tmp_path / "two", relations=0) as scratch,
        scratch.database() as empty,
        pytest.raises(backups.RestoreFailed, match="out of shared memory"),
    ):
        backups.restore(empty, Path(taken.path), scratch.programs)
