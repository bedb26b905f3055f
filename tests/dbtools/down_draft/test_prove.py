"""A draft is refused unless it leads back exactly: each rule of the planner is broken once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dbtools.down_draft import Draft, MigrationReplay, prove, statements, trial
from dbtools.down_draft.attempts import DraftStatement
from dbtools.down_draft.draft import CANNOT, DraftLine
from dbtools.down_draft.replay import SchemaState
from dbtools.postgres.client import DatabaseAddress

BEFORE = """
CREATE TYPE role AS ENUM ('admin', 'user');
CREATE TABLE people (id int PRIMARY KEY, email text NOT NULL, age int DEFAULT 7, role role);
CREATE INDEX by_age ON people (age) WHERE age > 3;
CREATE FUNCTION old() RETURNS int LANGUAGE sql AS 'SELECT 1';
"""
UP = """
ALTER TYPE role ADD VALUE 'guest';
DROP INDEX by_age;
ALTER TABLE people ALTER COLUMN age SET DEFAULT 8, ALTER COLUMN email TYPE varchar(90), ADD COLUMN x int;
CREATE OR REPLACE FUNCTION old() RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE TABLE pets (id int PRIMARY KEY, owner int REFERENCES people);
"""
Rule = Callable[[DraftStatement], DraftStatement | None]


@pytest.fixture
def states(replay: MigrationReplay) -> tuple[SchemaState, SchemaState]:
    replay.apply(BEFORE)
    before = replay.state()
    replay.apply(UP)
    return before, replay.state()


def test_the_intact_rules_lead_back(replay: MigrationReplay, states: tuple[SchemaState, SchemaState]) -> None:
    assert replay.draft([UP], *states).verdict == "exact"


BROKEN: dict[str, Rule] = {
    "an index is forgotten": lambda statement: None if statement.key == "index public.by_age" else statement,
    "another default is set": lambda statement: replace(
        statement, sql=statement.sql.replace("DEFAULT 7", "DEFAULT 9")
    ),
    "a type is nearly the old one": lambda statement: replace(
        statement, sql=statement.sql.replace("TYPE text USING email::text", "TYPE varchar"), variants=()
    ),
    "a column stays": lambda statement: None if statement.key == "column public.people.x" else statement,
    "the new function stays": lambda statement: (
        None if statement.key == "function public.old()" else statement
    ),
    "an enum keeps its value": lambda statement: None if statement.key == "enum public.role" else statement,
    "an index loses its condition": lambda statement: replace(
        statement, sql=statement.sql.replace(" WHERE (age > 3)", "")
    ),
    "a comment too many": lambda statement: replace(
        statement,
        sql="COMMENT ON TABLE people IS 'x'" if statement.key == "table public.pets" else statement.sql,
    ),
}


@pytest.mark.parametrize("rule", BROKEN.values(), ids=BROKEN)
def test_a_broken_rule_is_refused_and_not_passed(
    replay: MigrationReplay,
    states: tuple[SchemaState, SchemaState],
    rule: Rule,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = statements.plan_statements

    def broken(*args: object) -> list[DraftStatement]:
        return [statement for statement in map(rule, honest(*args)) if statement is not None]  # type: ignore[arg-type]

    monkeypatch.setattr(trial, "plan_statements", broken)
    draft = replay.draft([UP], *states)
    assert draft.verdict == "refused"
    assert draft.statements == ()
    assert draft.lines[0].mark == CANNOT
    assert draft.message.startswith("This migration cannot be inverted by a draft: ")


def proven(
    replay: MigrationReplay,
    states: tuple[SchemaState, SchemaState],
    draft: Draft,
    judge: Callable[[DatabaseAddress], str],
) -> Draft:
    with replay.copy() as address:
        return prove(replace(draft, verdict=""), address, states[0].catalog, judge)


def test_every_missing_line_is_noticed(
    replay: MigrationReplay, states: tuple[SchemaState, SchemaState]
) -> None:
    draft = replay.draft([UP], *states)
    for place, line in enumerate(draft.lines):
        if line.sql:
            shorter = replace(draft, lines=draft.lines[:place] + draft.lines[place + 1 :])
            assert proven(replay, states, shorter, lambda _: "").verdict == "refused", line.sql


def test_a_line_that_was_added_is_noticed(
    replay: MigrationReplay, states: tuple[SchemaState, SchemaState]
) -> None:
    draft = replay.draft([UP], *states)
    longer = replace(draft, lines=(*draft.lines, DraftLine("CREATE TABLE more (id int)", "exact")))
    outcome = proven(replay, states, longer, lambda _: "")
    assert "table public.more is there, and was not before." in outcome.message


def test_a_line_that_fails_is_refused_with_postgresqls_message(
    replay: MigrationReplay, states: tuple[SchemaState, SchemaState]
) -> None:
    draft = replay.draft([UP], *states)
    longer = replace(draft, lines=(*draft.lines, DraftLine("DROP TABLE nothing", "exact")))
    assert 'table "nothing" does not exist' in proven(replay, states, longer, lambda _: "").message


def test_what_only_pg_dump_sees_is_refused_too(
    replay: MigrationReplay, states: tuple[SchemaState, SchemaState]
) -> None:
    draft = replay.draft([UP], *states)
    outcome = proven(replay, states, draft, lambda _: "A line is missing.")
    assert (outcome.verdict, outcome.statements) == ("refused", ())
    assert "A line is missing." in outcome.message


def test_a_refused_draft_lists_the_losses(replay: MigrationReplay) -> None:
    replay.apply(
        "CREATE OPERATOR ### (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl); CREATE TABLE t (id int)"
    )
    before, up = replay.state(), "DROP OPERATOR ### (int, int); DELETE FROM t;"
    replay.apply(up)
    draft = replay.draft([up], before, replay.state())
    assert draft.verdict == "refused"
    assert any("DELETE t (line 1 of the migration)" in line.note for line in draft.lines)
