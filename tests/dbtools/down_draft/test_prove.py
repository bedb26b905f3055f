"""A draft is never better than what the comparison says: each rule of the generator is broken once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from dbtools.down_draft import Draft, Replay, prove, statements, trial
from dbtools.down_draft.draft import CANNOT, DraftLine
from dbtools.down_draft.replay import NotReplayed, State
from dbtools.down_draft.statements import Step
from dbtools.postgres.client import Target
from dbtools.postgres.scratch import Scratch

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
Rule = Callable[[Step], Step | None]


@pytest.fixture
def replay(server: Target) -> Iterator[Replay]:
    with Replay(Scratch.on(server)) as made:
        yield made


@pytest.fixture
def states(replay: Replay) -> tuple[State, State]:
    replay.apply(BEFORE)
    before = replay.state()
    replay.apply(UP)
    return before, replay.state()


def test_the_unbroken_rules_lead_back(replay: Replay, states: tuple[State, State]) -> None:
    assert replay.draft([UP], *states).verdict == "exact"


BROKEN: dict[str, Rule] = {
    "an index is forgotten": lambda step: None if step.key == "index public.by_age" else step,
    "another default is set": lambda step: replace(step, sql=step.sql.replace("DEFAULT 7", "DEFAULT 9")),
    "a type is nearly the old one": lambda step: replace(
        step, sql=step.sql.replace("TYPE text USING email::text", "TYPE varchar"), variants=()
    ),
    "a column stays": lambda step: None if step.key == "column public.people.x" else step,
    "the new function stays": lambda step: None if step.key == "function public.old()" else step,
    "an enum keeps its value": lambda step: None if step.key == "enum public.role" else step,
    "an index loses its condition": lambda step: replace(step, sql=step.sql.replace(" WHERE (age > 3)", "")),
    "a comment too many": lambda step: replace(
        step, sql="COMMENT ON TABLE people IS 'x'" if step.key == "table public.pets" else step.sql
    ),
}


@pytest.mark.parametrize("rule", BROKEN.values(), ids=BROKEN)
def test_a_broken_rule_is_refused_and_not_passed(
    replay: Replay, states: tuple[State, State], rule: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = statements.plan

    def broken(*given: object) -> list[Step]:
        return [step for step in map(rule, honest(*given)) if step is not None]  # type: ignore[arg-type]

    monkeypatch.setattr(trial, "plan", broken)
    draft = replay.draft([UP], *states)
    assert draft.verdict == "refused"
    assert draft.statements == ()
    assert draft.lines[0].mark == CANNOT
    assert draft.message.startswith("This migration cannot be inverted by a draft: ")


def proven(
    replay: Replay, states: tuple[State, State], draft: Draft, judge: Callable[[Target], str]
) -> Draft:
    with replay.copy() as where:
        return prove(replace(draft, verdict=""), where, states[0].catalog, judge)


def test_every_line_that_is_taken_out_is_missed(replay: Replay, states: tuple[State, State]) -> None:
    draft = replay.draft([UP], *states)
    for place, line in enumerate(draft.lines):
        if line.sql:
            shorter = replace(draft, lines=draft.lines[:place] + draft.lines[place + 1 :])
            assert proven(replay, states, shorter, lambda _: "").verdict == "refused", line.sql


def test_a_line_that_was_added_is_noticed(replay: Replay, states: tuple[State, State]) -> None:
    draft = replay.draft([UP], *states)
    longer = replace(draft, lines=(*draft.lines, DraftLine("CREATE TABLE more (id int)", "exact")))
    found = proven(replay, states, longer, lambda _: "")
    assert "table public.more is there, and was not before." in found.message


def test_a_line_that_fails_is_refused_in_the_words_of_postgresql(
    replay: Replay, states: tuple[State, State]
) -> None:
    draft = replay.draft([UP], *states)
    longer = replace(draft, lines=(*draft.lines, DraftLine("DROP TABLE nothing", "exact")))
    assert 'table "nothing" does not exist' in proven(replay, states, longer, lambda _: "").message


def test_what_only_pg_dump_sees_is_refused_too(replay: Replay, states: tuple[State, State]) -> None:
    draft = replay.draft([UP], *states)
    found = proven(replay, states, draft, lambda _: "A line is missing.")
    assert (found.verdict, found.statements) == ("refused", ())
    assert "A line is missing." in found.message


def test_a_draft_says_what_was_lost_even_where_it_is_refused(replay: Replay) -> None:
    replay.apply(
        "CREATE OPERATOR ### (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl); CREATE TABLE t (id int)"
    )
    before, up = replay.state(), "DROP OPERATOR ### (int, int); DELETE FROM t;"
    replay.apply(up)
    draft = replay.draft([up], before, replay.state())
    assert draft.verdict == "refused"
    assert any("DELETE t (line 1 of the migration)" in line.note for line in draft.lines)


def test_nothing_is_left_of_a_migration_that_does_not_apply(replay: Replay) -> None:
    before = replay.state()
    for text in (
        "CREATE TABLE a (id int); CREATE TABLE a (id int);",
        "BEGIN; CREATE TABLE b (id int); COMMIT; SELECT 1/0;",
    ):
        with pytest.raises(NotReplayed):
            replay.apply(text)
        assert replay.state().catalog.fingerprint == before.catalog.fingerprint


def test_a_migration_that_prisma_runs_piece_by_piece_is_replayed(replay: Replay) -> None:
    replay.apply("CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (e e);")
    replay.apply("ALTER TYPE e ADD VALUE 'b'; ALTER TABLE t ALTER COLUMN e SET DEFAULT 'b';")
    replay.apply("CREATE TABLE u (id int); CREATE INDEX CONCURRENTLY i ON u (id);")
    assert "index public.i" in replay.state().catalog.facets


def test_a_migration_that_never_ends_on_an_empty_database_is_given_up(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dbtools.down_draft.replay.PATIENCE", 1)
    with pytest.raises(NotReplayed, match="statement timeout"):
        replay.apply("DO $$ BEGIN LOOP PERFORM pg_sleep(0.01); END LOOP; END $$;")
