"""A history is applied to a scratch database as Prisma would apply it."""

from __future__ import annotations

import pytest

from dbtools.down_draft import MigrationReplay
from dbtools.down_draft.replay import ReplayFailed


def test_a_migration_that_fails_leaves_nothing(replay: MigrationReplay) -> None:
    before = replay.state()
    for text in (
        "CREATE TABLE a (id int); CREATE TABLE a (id int);",
        "BEGIN; CREATE TABLE b (id int); COMMIT; SELECT 1/0;",
    ):
        with pytest.raises(ReplayFailed):
            replay.apply(text)
        assert replay.state().catalog.fingerprint == before.catalog.fingerprint


def test_a_migration_that_needs_single_statements_is_applied(replay: MigrationReplay) -> None:
    replay.apply("CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (e e);")
    replay.apply("ALTER TYPE e ADD VALUE 'b'; ALTER TABLE t ALTER COLUMN e SET DEFAULT 'b';")
    replay.apply("CREATE TABLE u (id int); CREATE INDEX CONCURRENTLY i ON u (id);")
    assert "index public.i" in replay.state().catalog.facets


def test_a_migration_that_never_ends_on_an_empty_database_times_out(
    replay: MigrationReplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dbtools.down_draft.replay.STATEMENT_SECONDS", 1)
    with pytest.raises(ReplayFailed, match="statement timeout"):
        replay.apply("DO $$ BEGIN LOOP PERFORM pg_sleep(0.01); END LOOP; END $$;")
