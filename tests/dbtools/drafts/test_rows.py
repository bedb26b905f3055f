"""What a draft does to rows: it keeps whatever the migration kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dbtools import target
from dbtools.drafts import Replay
from dbtools.scratch import Scratch
from dbtools.target import Target

PEOPLE = """
CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO people VALUES (1, 'Ana'), (2, 'Bo');
"""
ROWS = [(1, "Ana"), (2, "Bo")]
KEEP = {
    "renames": "ALTER TABLE people RENAME TO persons; ALTER TABLE persons RENAME COLUMN name TO called;",
    "a new table under the old name": "ALTER TABLE people RENAME TO old; CREATE TABLE people (id uuid);",
    "a new column under the old name": "ALTER TABLE people RENAME name TO old;"
    " ALTER TABLE people ADD name int;",
    "two columns swap": "ALTER TABLE people RENAME name TO x; ALTER TABLE people RENAME id TO name;"
    " ALTER TABLE people RENAME x TO id;",
    "a type": "ALTER TABLE people ALTER COLUMN id TYPE bigint, ALTER COLUMN name TYPE varchar;",
    "an enum instead of a text": "CREATE TYPE called AS ENUM ('Ana', 'Bo');"
    " ALTER TABLE people ALTER COLUMN name TYPE called USING name::called;",
    "another schema": "CREATE SCHEMA elsewhere; ALTER TABLE people SET SCHEMA elsewhere;",
}


@pytest.fixture
def replay(server: Target) -> Iterator[Replay]:
    with Replay(Scratch.on(server)) as made:
        yield made


def rolled_back(replay: Replay, up: str) -> list[tuple[Any, ...]]:
    before = replay.state()
    replay.apply(up)
    draft = replay.draft([up], before, replay.state())
    assert draft.verdict == "exact", draft.sentence
    with replay.copy() as where, target.connect(where, "tests", autocommit=True) as connection:
        connection.execute(draft.text.encode())
        return connection.execute("SELECT id, name FROM people ORDER BY id").fetchall()


@pytest.mark.parametrize("up", KEEP.values(), ids=KEEP)
def test_rows_come_through(replay: Replay, up: str) -> None:
    replay.apply(PEOPLE)
    assert rolled_back(replay, up) == ROWS


def test_an_enums_values_come_through_its_rebuild(replay: Replay) -> None:
    replay.apply("CREATE TYPE called AS ENUM ('Ana', 'Bo'); CREATE TABLE people (id int, name called);")
    replay.apply("INSERT INTO people VALUES (1, 'Ana'), (2, 'Bo');")
    assert rolled_back(replay, "ALTER TYPE called ADD VALUE 'Cy';") == ROWS


def test_a_value_that_no_longer_fits_stops_the_draft_and_nothing_is_lost(replay: Replay) -> None:
    replay.apply("CREATE TYPE called AS ENUM ('Ana'); CREATE TABLE people (id int, name called);")
    before, up = replay.state(), "ALTER TYPE called ADD VALUE 'Bo';"
    replay.apply(up)
    draft = replay.draft([up], before, replay.state())
    assert "It fails while a row has Bo." in draft.text
    with replay.copy() as where, target.connect(where, "tests", autocommit=True) as connection:
        connection.execute("INSERT INTO people VALUES (1, 'Bo')")
        with pytest.raises(target.Error, match="invalid input value for enum"), connection.transaction():
            connection.execute(draft.text.encode())
        assert connection.execute("SELECT id, name FROM people").fetchall() == [(1, "Bo")]


def test_several_migrations_are_drafted_as_one_way_back(replay: Replay) -> None:
    replay.apply(PEOPLE)
    before = replay.state()
    ups = [
        "ALTER TABLE people RENAME TO persons;",
        "ALTER TABLE persons RENAME COLUMN name TO called; DELETE FROM persons;",
    ]
    for up in ups:
        replay.apply(up)
    draft = replay.draft(ups[::-1], before, replay.state())
    assert (draft.verdict, draft.loses) == ("exact", True)
    assert [sql.split(" RENAME ")[1] for sql in draft.statements] == ["TO people", "COLUMN called TO name"]


def test_another_schema_than_public_is_worked_in(server: Target) -> None:
    with Replay(Scratch.on(server), schema="app") as replay:
        before, up = replay.state(), "CREATE TABLE people (id serial PRIMARY KEY);"
        replay.apply(up)
        draft = replay.draft([up], before, replay.state())
    assert draft.verdict == "exact"
    assert draft.statements == ("DROP TABLE app.people",)


def test_nothing_of_a_replay_is_left_on_the_server(server: Target) -> None:
    with Replay(Scratch.on(server)) as replay:
        replay.apply(PEOPLE)
        names = {replay.name}
        with replay.copy() as where:
            names.add(where.database)
    with target.connect(server, "tests", autocommit=True) as connection:
        left = {name for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall()}
    assert names & left == set()
