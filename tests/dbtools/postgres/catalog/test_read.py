"""The fingerprint of a schema shows whether it is still the approved one."""

from __future__ import annotations

import pytest

from dbtools.postgres import client
from dbtools.postgres.catalog import differences, read
from dbtools.postgres.client import Connection
from tests.dbtools.conftest import MakeDatabase

BEGINNING = """
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE people (id serial PRIMARY KEY, name text NOT NULL, mood mood DEFAULT 'good');
CREATE TABLE pets (id int PRIMARY KEY, owner int REFERENCES people (id));
CREATE INDEX by_name ON people (name) WHERE mood = 'bad';
CREATE VIEW happy AS SELECT name FROM people WHERE mood = 'good';
CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';
"""
# A statement, and what the sentence about it says.
CHANGES = (
    ("ALTER TABLE people ADD COLUMN age int", "column public.people.age is there"),
    ("ALTER TABLE pets ALTER COLUMN owner TYPE bigint", "was 'integer'"),
    ("ALTER TABLE people ALTER COLUMN name DROP NOT NULL", "not null public.people.name is missing"),
    ("ALTER TABLE people ALTER COLUMN mood SET DEFAULT 'bad'", "default public.people.mood"),
    ("ALTER TABLE people ADD CONSTRAINT c CHECK (name <> '')", "constraint public.people.c"),
    (
        "ALTER TABLE pets DROP CONSTRAINT pets_owner_fkey",
        "foreign key public.pets.pets_owner_fkey is missing",
    ),
    ("ALTER TABLE people ENABLE ROW LEVEL SECURITY", "row security public.people"),
    ("ALTER TYPE mood ADD VALUE 'fair'", "enum public.mood"),
    ("DROP INDEX by_name", "index public.by_name is missing"),
    ("CREATE OR REPLACE VIEW happy AS SELECT name FROM people", "view public.happy"),
    ("CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 2'", "function public.one()"),
    ("COMMENT ON COLUMN people.name IS 'as given'", "comment on COLUMN public.people.name is there"),
    ("CREATE SEQUENCE numbers", "sequence public.numbers"),
    ("ALTER TABLE people RENAME TO persons", "table public.people is missing"),
    ("CREATE RULE quiet AS ON DELETE TO pets DO INSTEAD NOTHING", "rule public.pets.quiet"),
    ("CREATE EXTENSION citext", "extension citext"),
    ("CREATE OPERATOR ### (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl)", "other operator"),
)


@pytest.fixture
def people(opened: Connection) -> Connection:
    opened.execute(BEGINNING.encode())
    return opened


@pytest.mark.parametrize(("change", "sentence"), CHANGES, ids=[change for change, _ in CHANGES])
def test_every_change_is_seen_and_named(people: Connection, change: str, sentence: str) -> None:
    before = read(people)
    people.execute(change.encode())
    after = read(people)
    assert after.fingerprint != before.fingerprint
    assert any(sentence in message for message in differences(before, after))


def test_rows_and_statistics_are_no_part_of_a_schema(people: Connection) -> None:
    before = read(people)
    people.execute(b"INSERT INTO people (name) SELECT 'x' FROM generate_series(1, 50); ANALYZE people")
    people.execute(b"CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY)")
    assert read(people).fingerprint == before.fingerprint


def test_another_order_of_columns_changes_the_fingerprint_and_is_the_only_difference(
    people: Connection,
) -> None:
    before = read(people)
    people.execute(b"ALTER TABLE pets DROP COLUMN id; ALTER TABLE pets ADD COLUMN id int PRIMARY KEY")
    after = read(people)
    assert after.fingerprint != before.fingerprint
    (sentence,) = differences(before, after)
    assert "its columns are in another order" in sentence


def test_two_databases_with_the_same_schema_agree(people: Connection, make_database: MakeDatabase) -> None:
    with client.connect(make_database(), "tests", autocommit=True) as other:
        other.execute(b"CREATE TABLE first (id int); DROP TABLE first")  # so that no OID is the same
        other.execute(BEGINNING.encode())
        assert read(other).fingerprint == read(people).fingerprint


def test_only_the_requested_schemas_are_read(people: Connection) -> None:
    before, all_before = read(people, ["public"]), read(people)
    people.execute(b"CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.t (id int)")
    assert read(people, ["public"]).fingerprint == before.fingerprint
    assert read(people).fingerprint != all_before.fingerprint


def test_reading_leaves_the_transaction_as_it_was(people: Connection) -> None:
    with people.transaction():
        people.execute(b"SET LOCAL search_path = pg_catalog, public; SET LOCAL jit = on")
        read(people)
        row = people.execute("SELECT current_setting('search_path'), current_setting('jit')").fetchone()
    assert row == ("pg_catalog, public", "on")


def test_objects_of_extensions_are_left_out(people: Connection) -> None:
    before = set(read(people).facets)
    people.execute(b"CREATE EXTENSION hstore")
    assert set(read(people).facets) - before == {"extension hstore"}
