"""Effects of a migration besides schema and rows are derived from its text."""

from __future__ import annotations

import pytest

from dbtools.sql.effects.side_effects import side_effects

SAID = (
    ("GRANT SELECT ON t TO PUBLIC", "GRANT or REVOKE"),
    ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC", "ALTER DEFAULT PRIVILEGES"),
    ("ALTER TABLE t OWNER TO somebody", "OWNER TO"),
    ("ALTER FUNCTION f() OWNER TO somebody", "OWNER TO"),
    ("ALTER TABLE t DISABLE TRIGGER ALL", "DISABLE TRIGGER ALL"),
    ("CREATE ROLE reader", "CREATE ROLE"),
    ("ALTER DATABASE shop SET timezone TO 'UTC'", "ALTER DATABASE"),
    ("COMMENT ON DATABASE shop IS 'x'", "COMMENT"),
    ("ALTER PUBLICATION p SET (publish = 'insert')", "ALTER PUBLICATION"),
    ("ALTER EXTENSION citext UPDATE", "ALTER EXTENSION"),
    ("DO $$ BEGIN GRANT SELECT ON t TO PUBLIC; END $$", "A DO block (GRANT)"),
    ('CREATE INDEX i ON "_prisma_migrations" (id)', "A statement on _prisma_migrations"),
    ("CREATE POLICY p ON public._prisma_migrations USING (true)", "A statement on _prisma_migrations"),
)
NOT_SAID = (
    "ALTER TABLE t DISABLE TRIGGER x",
    "COMMENT ON TABLE t IS 'GRANT'",
    "DO $$ BEGIN CREATE TYPE e AS ENUM ('a'); END $$",
    "SELECT count(*) FROM _prisma_migrations",
    "this is not SQL",
    "-- nothing",
)


@pytest.mark.parametrize(("text", "what"), SAID)
def test_other_effects_are_named(text: str, what: str) -> None:
    assert [effect.what for effect in side_effects(f"SELECT 1;\n{text}")] == [what]
    assert [effect.line for effect in side_effects(f"SELECT 1;\n{text}")] == [2]


@pytest.mark.parametrize("text", NOT_SAID)
def test_schema_changes_are_not_listed(text: str) -> None:
    assert side_effects(text) == ()
