"""The comparison of two schemas: the same, the same but for column order, or different."""
# ruff: noqa: E501 - statements stay on one line

from __future__ import annotations

import pytest

from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.dump import DIFFERENT, ORDER, SAME, compare, dump_schema
from tests.dbtools.conftest import MakeDatabase
from tests.dbtools.rehearsal.small_project import programs_for

BASE = """
CREATE TYPE mood AS ENUM ('a', 'b');
CREATE TABLE one (id int PRIMARY KEY, name text DEFAULT 'a, (b;' NOT NULL, "odd, (name" numeric(10, 2)
  CHECK ("odd, (name" > 0), mood mood);
CREATE TABLE two (id int PRIMARY KEY, one int REFERENCES one, note text);
CREATE VIEW v AS SELECT id, name FROM one;
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
  -- a comment; in a body

  RETURN 1; END $$;
CREATE FUNCTION g(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN a > 1 THEN 2 ELSE 3 END; END;
CREATE TABLE parted (at date, n int) PARTITION BY RANGE (at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
COMMENT ON TABLE one IS 'it''s; "one"';
"""
MOVED = """
ALTER TABLE one DROP COLUMN name CASCADE;
ALTER TABLE one ADD COLUMN name text DEFAULT 'a, (b;' NOT NULL;
CREATE VIEW v AS SELECT id, name FROM one;
"""


def made(address: DatabaseAddress, text: str) -> str:
    with client.connect(address, "tests", autocommit=True) as connection:
        connection.execute(text.encode())
    return dump_schema(address, programs_for(address))


def test_two_databases_created_alike_are_the_same(make_database: MakeDatabase) -> None:
    first, second = made(make_database(), BASE), made(make_database(), BASE)
    assert first != second or "restrict" not in first  # pg_dump puts a random word into every dump
    assert compare(first, second).verdict == SAME
    assert compare(first, second).lines == ()


def test_another_column_order_has_its_own_verdict(make_database: MakeDatabase) -> None:
    first = made(make_database(), BASE)
    second = made(make_database(), BASE + MOVED)
    comparison = compare(first, second)
    assert comparison.verdict == ORDER
    assert comparison.message == "Same but for the column order of public.one."
    assert comparison.lines


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE one ALTER name SET DEFAULT 'a, (b,'",
        "ALTER TABLE one ALTER name DROP NOT NULL",
        "ALTER TABLE one RENAME \"odd, (name\" TO \"odd, (name)\"",
        "ALTER TABLE one ALTER \"odd, (name\" TYPE numeric(10, 3)",
        "ALTER TABLE one DROP CONSTRAINT \"one_odd, (name_check\"",
        "ALTER TABLE two SET UNLOGGED",
        "ALTER TABLE one SET (fillfactor = 70)",
        "ALTER TABLE one ENABLE ROW LEVEL SECURITY",
        "ALTER TYPE mood ADD VALUE 'c'",
        "ALTER TYPE mood RENAME VALUE 'a' TO 'A'",
        "CREATE INDEX extra ON two (one)",
        "CREATE UNIQUE INDEX extra ON two (one) WHERE one > 1",
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN\n-- a comment; in a body\nRETURN 1; END $$",
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 2; END $$",
        "CREATE OR REPLACE FUNCTION g(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN a > 1 THEN 2 ELSE 4 END; END",
        "CREATE OR REPLACE VIEW v AS SELECT id, name FROM one WHERE id > 0",
        "CREATE SEQUENCE extra",
        "CREATE EXTENSION citext",
        "CREATE SCHEMA extra",
        "CREATE RULE r AS ON INSERT TO two DO NOTHING",
        "COMMENT ON TABLE one IS 'it''s; \"two\"'",
        "COMMENT ON COLUMN one.id IS 'number'",
        "ALTER TABLE two ALTER id ADD GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE two DROP CONSTRAINT two_one_fkey; ALTER TABLE two ADD FOREIGN KEY (one) REFERENCES one ON DELETE CASCADE",
        "ALTER TABLE parted DETACH PARTITION parted_1",
        "ALTER TABLE two ALTER note TYPE text COLLATE \"POSIX\"",
        "ALTER TABLE two RENAME TO three",
        "DROP TABLE two",
    ],
)  # fmt: skip
def test_no_real_change_is_called_the_same(make_database: MakeDatabase, change: str) -> None:
    first, second = made(make_database(), BASE), made(make_database(), f"{BASE}{change};")
    for comparison in (compare(first, second), compare(second, first)):
        assert comparison.verdict == DIFFERENT
        assert comparison.missing or comparison.extra
        assert any(line.startswith(("-", "+")) for line in comparison.lines)


def test_columns_that_changed_their_tables_are_a_difference(make_database: MakeDatabase) -> None:
    first = made(make_database(), "CREATE TABLE a (x int, y int); CREATE TABLE b (x int, z int)")
    second = made(make_database(), "CREATE TABLE a (x int, z int); CREATE TABLE b (x int, y int)")
    assert compare(first, second).verdict == DIFFERENT


def test_the_fields_of_a_type_are_not_columns(make_database: MakeDatabase) -> None:
    first = made(make_database(), "CREATE TYPE pair AS (a int, b int)")
    second = made(make_database(), "CREATE TYPE pair AS (b int, a int)")
    assert compare(first, second).verdict == DIFFERENT


def test_the_name_of_a_not_null_is_no_difference(make_database: MakeDatabase) -> None:
    first = made(make_database(), "CREATE TABLE a (x int NOT NULL)")
    second = made(make_database(), "CREATE TABLE a (y int NOT NULL); ALTER TABLE a RENAME y TO x")
    assert compare(first, second).verdict == SAME
    third = made(make_database(), "CREATE TABLE a (x text DEFAULT 'CONSTRAINT b NOT NULL' NOT NULL)")
    fourth = made(make_database(), "CREATE TABLE a (x text DEFAULT 'NOT NULL' NOT NULL)")
    assert compare(third, fourth).verdict == DIFFERENT
