"""What is about roles and the server is taken out of a replay, and nothing else is."""

from __future__ import annotations

import pytest

from dbtools.sql import InvalidSql
from dbtools.sql.isolated import replayable

TAKEN_OUT = (
    "CREATE USER auditor_w PASSWORD 'x;y'",
    "CREATE ROLE a NOLOGIN",
    "ALTER ROLE a SET search_path = x",
    "ALTER USER CURRENT_USER PASSWORD 'x'",
    "DROP USER IF EXISTS auditor_w",
    "ALTER ROLE a RENAME TO b",
    "GRANT a TO b",
    "REVOKE a FROM b",
    "CREATE DATABASE x",
    "DROP DATABASE x",
    "ALTER DATABASE x SET work_mem = '1MB'",
    "ALTER DATABASE x RENAME TO y",
    "ALTER DATABASE x OWNER TO y",
    "GRANT ALL ON DATABASE x TO a",
    "COMMENT ON ROLE a IS 'b'",
    "COMMENT ON DATABASE a IS 'b'",
    "ALTER SYSTEM SET work_mem = '1MB'",
    "CREATE TABLESPACE x LOCATION '/x'",
    "CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION p",
    "REASSIGN OWNED BY a TO b",
    "DROP OWNED BY a",
    "ALTER TABLE t OWNER TO a",
    "ALTER FUNCTION f() OWNER TO a",
    "GRANT SET ON PARAMETER work_mem TO a",
    "SET session_replication_role = replica",
)
LEFT = (
    "GRANT SELECT ON t TO a",
    "REVOKE ALL ON SCHEMA public FROM a",
    "CREATE POLICY p ON t TO a USING (true)",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO a",
    "ALTER TABLE t OWNER TO a, ADD COLUMN x int",
    "CREATE USER MAPPING FOR a SERVER s",
    "SELECT 'DROP USER x;'",
    "COMMENT ON TABLE t IS 'CREATE ROLE x;'",
)


@pytest.mark.parametrize("statement", TAKEN_OUT)
def test_a_statement_about_roles_or_the_server_is_taken_out(statement: str) -> None:
    text = f"CREATE TABLE ä (id int);\n{statement};\n-- the end\nCREATE TABLE b (id int);"
    assert replayable(text).split() == text.replace(statement, "").split()


@pytest.mark.parametrize("statement", LEFT)
def test_every_other_statement_is_left_as_it_is(statement: str) -> None:
    text = f"BEGIN;\n{statement};\nCOMMIT;"
    assert replayable(text) == text


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE USER auditor_w;",
        "CREATE ROLE x PASSWORD 'a;b';",
        "EXECUTE 'CREATE ROLE x';",
        "EXECUTE format('CREATE ROLE %I PASSWORD %L', 'a', 'b;c');",
        "EXECUTE 'DROP DATABASE x;';",
        "GRANT a TO b;",
        "EXECUTE 'GRANT a TO b';",
        "alter\n role x set a = 1;",
    ],
)
def test_in_a_do_block_such_a_statement_does_nothing(statement: str) -> None:
    text = f"DO $$ BEGIN IF NOT EXISTS (SELECT 1) THEN {statement} END IF; END $$"
    assert replayable(text) == text.replace(statement, "NULL;")


@pytest.mark.parametrize(
    "statement",
    [
        "RAISE NOTICE 'CREATE ROLE x;';",
        "GRANT SELECT ON t TO a;",
        "EXECUTE 'GRANT SELECT ON t TO a';",
        "PERFORM 1; -- DROP USER x;",
        'ALTER TABLE t ADD "CREATE ROLE x;" int;',
    ],
)
def test_in_a_do_block_every_other_statement_is_left(statement: str) -> None:
    text = f"DO $$ BEGIN {statement} END $$"
    assert replayable(text) == text


def test_triggers_of_foreign_keys_are_left_to_the_server() -> None:
    text = "ALTER TABLE t DISABLE TRIGGER ALL;"
    assert replayable(text) == "ALTER TABLE t DISABLE TRIGGER USER;"


def test_a_text_that_cannot_be_read_is_refused_where_it_may_be_about_roles() -> None:
    assert replayable("CREATE TABEL x;") == "CREATE TABEL x;"
    with pytest.raises(InvalidSql):
        replayable("CREATE TABEL x; DROP USER y;")
