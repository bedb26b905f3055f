"""Names may refer only to the schemas that the database allows."""

from __future__ import annotations

import pytest

from dbtools.sql import check


def test_names_may_refer_to_every_allowed_schema() -> None:
    text = 'ALTER TABLE audit."Log" DROP COLUMN a'
    assert check(text).problems
    assert not check(text, schemas=("app", "audit")).problems
    assert "schemas app, audit" in check("DROP TABLE x.y", schemas=("app", "audit")).problems[0].message


ABROAD = [
    "SELECT 1::other.e", "SELECT other.lower('A')", "SELECT 1 OPERATOR(other.+) 1",
    "SELECT 'a' COLLATE other.c", "SELECT * FROM t TABLESAMPLE other.m (1)",
    "SELECT * FROM t ORDER BY a USING OPERATOR(other.<)",
    "SELECT 1 OPERATOR(other.=) ANY (SELECT 2)", "CREATE INDEX ON t (a other.ops)",
    "CREATE INDEX ON t (a COLLATE other.c)", "CREATE TABLE t (a int, EXCLUDE (a WITH OPERATOR(other.=)))",
    "CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME other.s))",
    "CREATE TABLE t (LIKE other.u)", "CREATE TABLE t (a int REFERENCES other.u)",
    "CREATE TABLE t (a int) INHERITS (other.u)", "CREATE TABLE t PARTITION OF other.u DEFAULT",
    "CREATE TABLE t OF other.kind", "CREATE TABLE t (a int) PARTITION BY RANGE (a other.ops)",
    "CREATE TYPE other.e AS ENUM ('a')", "CREATE TYPE other.c AS (a int)", "CREATE DOMAIN other.d AS int",
    "CREATE SEQUENCE s OWNED BY other.t.a", "ALTER SEQUENCE s OWNED BY other.t.a",
    "ALTER TYPE other.e ADD VALUE 'x'",
    "ALTER TYPE other.e RENAME TO f", "ALTER TABLE t ATTACH PARTITION other.p DEFAULT",
    "CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION other.f()",
    "CREATE POLICY p ON other.t", "DROP POLICY p ON other.t", "DROP TRIGGER x ON other.t",
    "DROP TYPE other.e",
    "DROP DOMAIN other.d", "DROP FUNCTION other.f(int)", "DROP FUNCTION f(other.e)", "DROP SEQUENCE other.s",
    "DROP VIEW other.v", "DROP INDEX other.i", "COMMENT ON TABLE other.t IS NULL",
    "COMMENT ON TYPE other.e IS NULL",
    "COMMENT ON COLUMN other.t.a IS NULL", "COMMENT ON CONSTRAINT c ON other.t IS NULL",
    "COMMENT ON FUNCTION other.f() IS NULL", "SELECT nextval(pg_get_serial_sequence('other.t', 'a'))",
    "ALTER TABLE t ALTER a SET DEFAULT nextval('other.s'::regclass)",
    "CREATE VIEW v AS SELECT * FROM other.t",
    "WITH t AS (SELECT * FROM other.t) DELETE FROM u USING t",
    "MERGE INTO other.t USING u ON true WHEN MATCHED THEN DELETE",
]  # fmt: skip


@pytest.mark.parametrize("text", ABROAD)
def test_no_name_may_refer_to_another_schema(text: str) -> None:
    problems = check(text).problems
    assert [one for one in problems if "other." in one.message and "outside" in one.message], problems
    assert "other." not in str(check(text, schemas=("public", "other")).problems).replace("other.lower", "")
