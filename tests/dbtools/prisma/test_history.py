"""The history is read from the database completely."""

from __future__ import annotations

import pytest

from dbtools.postgres.client import Connection
from dbtools.prisma.history import HistoryNotFound, digest, read

TABLE = """
CREATE TABLE _prisma_migrations (id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL,
  finished_at TIMESTAMPTZ, migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)
"""


def test_the_table_is_read_completely_and_every_change_changes_the_digest(opened: Connection) -> None:
    opened.execute(TABLE.encode())
    opened.execute(
        "INSERT INTO _prisma_migrations VALUES ('1', 'c', now(), 'a', NULL, NULL, now(), 1),"
        " ('2', 'c', NULL, 'b', 'boom', NULL, now(), 0), ('3', 'c', now(), 'c', '', NULL, now(), 0),"
        " ('4', 'c', NULL, 'd', NULL, now(), now(), 0)"
    )
    history = read(opened, "public")
    assert {row.name: row.state for row in history} == {
        "a": "applied", "b": "unfinished", "c": "applied", "d": "rolled back",
    }  # fmt: skip
    assert [row.never_ran for row in sorted(history, key=lambda row: row.id)] == [False, False, True, False]
    before = digest(history)
    assert digest(reversed(history)) == before
    opened.execute("UPDATE _prisma_migrations SET logs = 'other' WHERE id = '2'")
    assert digest(read(opened, "public")) != before


def test_a_missing_table_says_what_there_is_instead(opened: Connection) -> None:
    with pytest.raises(HistoryNotFound, match="never used here"):
        read(opened, "public")
    opened.execute("CREATE SCHEMA app")
    opened.execute("SET search_path = app")
    opened.execute(TABLE.encode())
    with pytest.raises(HistoryNotFound, match="app has one"):
        read(opened, "public")
    opened.execute("CREATE SCHEMA prisma_contract")
    opened.execute("CREATE TABLE prisma_contract.marker (id int)")
    with pytest.raises(HistoryNotFound, match="Prisma 8"):
        read(opened, "public")
