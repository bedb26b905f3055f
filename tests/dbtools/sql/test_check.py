"""More than sixty forbidden scripts are refused with their line; forty allowed ones are accepted and run."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from dbtools.postgres.client import Connection
from dbtools.sql import CheckedScript, check
from tests.dbtools.sql.allowed_scripts import ALLOWED, BEFORE
from tests.dbtools.sql.refused_scripts import REFUSED, Case


def test_the_corpora_are_as_large_as_promised() -> None:
    assert len(REFUSED) >= 60
    assert len(ALLOWED) == 40


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_a_forbidden_script_is_refused_with_its_line(refused: Case) -> None:
    script = check(refused.text)
    assert script.problems
    assert [one for one in script.problems if one.line == refused.line and refused.words in one.message], (
        script.problems
    )


@pytest.mark.parametrize("text", ALLOWED.values(), ids=ALLOWED)
def test_an_allowed_script_is_accepted(text: str) -> None:
    script = check(text)
    assert script.problems == ()
    assert not script.problems
    assert check(text.encode()) == script
    assert json.loads(json.dumps(asdict(script)))["sha256"] == script.sha256


def test_every_allowed_script_runs_and_its_counts_can_be_queried(
    opened: Connection,
) -> None:
    opened.execute(BEFORE.encode())
    asked = 0
    for name, text in ALLOWED.items():
        script = check(text)
        asked += count_everything(opened, script)
        opened.execute("BEGIN" if script.path == "transaction" else "SELECT 1")
        for statement in script.statements:
            opened.execute(statement.text.encode(), binary=True)
        if script.path == "transaction":
            opened.execute("ROLLBACK")
        assert script.path == ("alone" if "CONCURRENTLY" in text else "transaction"), name
    assert asked >= 20


def count_everything(connection: Connection, script: CheckedScript) -> int:
    """Run every count before the script, in a read-only transaction."""
    queries = [count.query for one in script.statements for hazard in one.hazards for count in hazard.counts]
    for query in queries:
        connection.execute("BEGIN READ ONLY")
        row = connection.execute(query.encode(), binary=True).fetchone()
        connection.execute("ROLLBACK")
        assert row is not None
        assert isinstance(row[0], int)
    return len(queries)


def test_select_1_says_that_there_is_nothing_to_undo() -> None:
    assert check("-- data stays\nSELECT 1;").note
    assert not check("SELECT 2;").note
    assert not check("SELECT 1; SELECT 1;").note


def test_allow_opaque_allows_only_what_cannot_be_reviewed() -> None:
    opaque = (
        "DO 'begin end'; CALL p(); CREATE EXTENSION citext; DROP EXTENSION citext; SELECT own_function();"
    )
    assert not check(opaque, allow_opaque=True).problems
    assert len(check(opaque).problems) == 6
    for text in ("SELECT pg_sleep(1)", "COMMIT", "DO 'begin drop table _prisma_migrations; end'",
                 "DROP EXTENSION citext CASCADE",
                 "CREATE FUNCTION other.f() RETURNS int LANGUAGE sql AS ''"):  # fmt: skip
        assert check(text, allow_opaque=True).problems, text


RESTORING = {
    "a domain": "ALTER DOMAIN pos ADD CONSTRAINT pc CHECK ((VALUE > 0)); ALTER DOMAIN pos DROP NOT NULL;"
    " ALTER DOMAIN pos DROP CONSTRAINT pd; ALTER DOMAIN pos RENAME CONSTRAINT a TO b;",
    "statistics": "CREATE STATISTICS public.s (ndistinct) ON a, b FROM public.t; DROP STATISTICS public.s;",
    "a rule": "CREATE RULE r AS ON DELETE TO public.t DO INSTEAD UPDATE t SET gone = true WHERE id = old.id;"
    " DROP RULE r ON public.t; ALTER TABLE t DISABLE RULE s;",
    "a table in its schema": "ALTER TABLE audit.t SET SCHEMA public; ALTER TYPE public.e SET SCHEMA audit;"
    " ALTER FUNCTION audit.f(integer) SET SCHEMA public; ALTER SEQUENCE audit.s SET SCHEMA public;",
    "inheritance": "ALTER TABLE public.c INHERIT public.p; ALTER TABLE public.c NO INHERIT public.q;",
    "a schema": "DROP TABLE audit.log; DROP SCHEMA audit;",
    "a schema that went": "CREATE SCHEMA audit; COMMENT ON SCHEMA audit IS 'x';",
    "a materialized view": "REFRESH MATERIALIZED VIEW public.m; REFRESH MATERIALIZED VIEW CONCURRENTLY m;",
    "what is only taken away": "DROP AGGREGATE s(integer); DROP OPERATOR public.###(integer, integer);"
    " DROP COLLATION public.c; DROP TEXT SEARCH CONFIGURATION public.t; DROP TEXT SEARCH DICTIONARY d;",
    "a range": "CREATE TYPE public.r AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = float8mi);",
}


@pytest.mark.parametrize("text", RESTORING.values(), ids=RESTORING)
def test_what_restores_a_seldom_kind_of_object_is_accepted(text: str) -> None:
    assert check(text, schemas=("public", "audit")).problems == ()


def test_statements_that_all_run_outside_a_transaction_are_one_script() -> None:
    script = check("DROP INDEX CONCURRENTLY i;\nCREATE INDEX CONCURRENTLY j ON t (a);")
    assert (script.problems, script.path) == ((), "alone")
    assert [statement.alone for statement in script.statements] == [True, True]


@pytest.mark.parametrize(
    "name",
    ["_prisma_migrations_something", "my_prisma_migrations", "_prisma_migrations2", "_prisma_migrations$"],
)
def test_a_table_that_is_only_named_like_the_history_is_nobodys_history(name: str) -> None:
    assert check(f"ALTER TABLE {name} ADD COLUMN a int; DROP TABLE {name};").problems == ()


@pytest.mark.parametrize(
    "text",
    [
        "DROP TABLE _prisma_migrations",
        'DELETE FROM "public"."_prisma_migrations"',
        "SELECT nextval('_prisma_migrations')",
        "COMMENT ON TABLE t IS 'see public._prisma_migrations.'",
        "DROP INDEX _prisma_migrations_pkey",
    ],
)
def test_the_history_itself_stays_out_of_reach(text: str) -> None:
    assert any("edits the history itself" in problem.message for problem in check(text).problems)
