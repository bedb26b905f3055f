"""What a migration did to rows is derived from its text."""

from __future__ import annotations

import pytest

from dbtools.sql.effects.row_effects import ends_transactions, row_changes

WRITES = (
    ("UPDATE t SET a = 1", "UPDATE t"),
    ('DELETE FROM "Order"', "DELETE Order"),
    ("INSERT INTO t VALUES (1)", "INSERT t"),
    ("TRUNCATE a, b", "TRUNCATE a, b"),
    ("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE", "MERGE t"),
    ("WITH x AS (DELETE FROM t RETURNING *) INSERT INTO s SELECT * FROM x", "DELETE t"),
    ("DO $$ BEGIN UPDATE t SET a = 1; END $$", "A DO block"),
    ("DO $$ BEGIN EXECUTE 'x'; END $$", "A DO block"),
    ("CALL p()", "CALL"),
    ("SELECT fill()", "SELECT fill(…)"),
    ("SELECT setval('s', 9)", "SELECT setval(…)"),
    ("ALTER SEQUENCE s RESTART WITH 5", "The sequence's RESTART"),
    ("ALTER TABLE t ALTER v TYPE int USING length(v)", "USING on t.v"),
    ("ALTER TABLE t ALTER v TYPE text USING v::int", "USING on t.v"),
    ("ALTER TABLE t ALTER v TYPE text USING v::int::text", "USING on t.v"),
    ("ALTER TABLE t ALTER v TYPE text USING w", "USING on t.v"),
    ("ALTER TABLE t ALTER v TYPE varchar(9) USING v::varchar(4)", "USING on t.v"),
    ("DO $$ BEGIN ALTER TABLE t ALTER v TYPE int USING length(v); END $$", "A DO block"),
    ("ALTER TABLE t ALTER id RESTART WITH 7", "The RESTART of t.id"),
    ("this is not SQL", "What it does to rows"),
)
WRITES_NOTHING = (
    "CREATE TABLE t (a int REFERENCES s ON DELETE CASCADE ON UPDATE SET NULL)",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DELETE FROM t RETURNING 1'",
    "CREATE TRIGGER x AFTER INSERT OR UPDATE ON t EXECUTE FUNCTION f()",
    "DO $$ BEGIN CREATE TYPE e AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN null; END $$",
    "DO $$ BEGIN ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES s ON DELETE CASCADE; END $$",
    "SELECT pg_catalog.set_config('search_path', '', false)",
    'ALTER TABLE t ALTER v TYPE "R" USING ("v"::text::"R")',
    "ALTER TABLE t ALTER v TYPE e[] USING CAST(t.v AS e[]), ALTER w TYPE int, ALTER x TYPE text USING x",
    "ALTER TABLE t ALTER id SET GENERATED ALWAYS SET INCREMENT 2",
    "DO $$ BEGIN CREATE TYPE e AS ENUM ('a'); CREATE INDEX i ON t USING gin (a); END $$",
    "SELECT 1",
    "-- nothing",
)


@pytest.mark.parametrize(("text", "what"), WRITES)
def test_a_statement_that_writes_rows_is_named(text: str, what: str) -> None:
    assert what in [change.what for change in row_changes(text)]


@pytest.mark.parametrize("text", WRITES_NOTHING)
def test_a_statement_that_writes_no_rows_is_not_listed(text: str) -> None:
    assert row_changes(text) == ()


def test_each_change_has_its_line() -> None:
    assert [change.line for change in row_changes("SELECT 1;\n\nUPDATE t SET a = 1;\nDELETE FROM t;")] == [
        3,
        4,
    ]


def test_transaction_control_is_distinguished_from_the_end_of_a_body() -> None:
    assert ends_transactions("BEGIN; SELECT 1; COMMIT;")
    assert ends_transactions("no SQL")
    assert not ends_transactions("DO $$ BEGIN PERFORM 1; COMMIT; END $$; -- COMMIT")
