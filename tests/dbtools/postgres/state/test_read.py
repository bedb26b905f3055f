"""The fingerprint of a state tells everything apart that takes part in a run."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from dbtools.postgres import client, state
from dbtools.postgres.client import SQL, Connection, DatabaseAddress, Identifier
from dbtools.postgres.state import DatabaseState
from tests.dbtools.postgres.state.pairs import BASE, pairs

PAIRS = {name: (first, second) for name, first, second in pairs()}


class States:
    """A database with a schema, from which each SQL makes a state that is undone again."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.marker = secrets.token_hex(4)
        self.connection.execute(self.named(BASE).encode())

    def after(self, sql: str) -> DatabaseState:
        with self.connection.transaction(force_rollback=True):
            self.connection.execute(self.named(sql).encode())
            return state.read(self.connection, ("app",))

    def named(self, sql: str) -> str:
        """Roles belong to the whole server, so their names are this test's own."""
        sql = sql.replace("ROLE_ONE", f"one_{self.marker}").replace("ROLE_TWO", f"two_{self.marker}")
        return sql.replace("DATABASE THIS", f"DATABASE {self.connection.info.dbname}")


@pytest.fixture(scope="module")
def apart(server: DatabaseAddress) -> Iterator[States]:
    name = f"states_{secrets.token_hex(6)}"
    with client.connect(server, "tests", autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))
    with client.connect(server.with_database(name), "tests", autocommit=True) as connection:
        made = States(connection)
        drop_roles = made.named("DROP ROLE ROLE_ONE, ROLE_TWO")
        yield made
    with client.connect(server, "tests", autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
        connection.execute(drop_roles.encode())


def test_there_are_more_than_sixty_pairs() -> None:
    assert len(PAIRS) > 60


@pytest.mark.parametrize("pair", PAIRS)
def test_two_states_are_told_apart_and_the_difference_is_named(apart: States, pair: str) -> None:
    first, second = (apart.after(sql) for sql in PAIRS[pair])
    assert first.fingerprint != second.fingerprint
    assert list(state.differences(first.parts, second.parts))


def test_the_same_state_has_the_same_fingerprint_whatever_its_numbers(apart: States) -> None:
    """Each of them is made anew, with other OIDs."""
    chosen = ("a bracket in a policy", "right on a column", "what a view calls")
    sql = "; ".join(PAIRS[name][1] for name in chosen)
    assert apart.after(sql).fingerprint == apart.after(sql).fingerprint


@pytest.mark.parametrize(
    "unrelated",
    [
        "CREATE TABLE other.more (id int)",
        "ALTER TABLE other.kept ADD x int",
        "CREATE FUNCTION other.more() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "INSERT INTO app.doc (id) SELECT generate_series(1, 99); ANALYZE app.doc",
        "SELECT setval('app.numbers', 9)",
        "SET LOCAL statement_timeout = '9s'; SET LOCAL search_path = other",
    ],
)
def test_what_takes_no_part_is_not_looked_at(apart: States, unrelated: str) -> None:
    assert apart.after(unrelated).fingerprint == apart.after("SELECT 1").fingerprint


def test_what_cannot_be_followed_is_named(apart: States) -> None:
    read = apart.after(PAIRS["what a trigger calls"][0])
    assert [sentence for sentence in read.unfollowed if "other." in sentence] == [
        "other.acts() is a text in plpgsql: what it calls is known only when it runs.",
        "other.deep() is a text in sql: what it calls is known only when it runs.",
    ]
    assert any(sentence.startswith("app.acts() is a text in plpgsql") for sentence in read.unfollowed)


def test_no_password_of_another_server_is_read(apart: States) -> None:
    secret = "hunter2"
    read = apart.after(
        "CREATE EXTENSION postgres_fdw SCHEMA other; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw"
        f" OPTIONS (host '{secret}');"
        f" CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (password '{secret}');"
        " CREATE FOREIGN TABLE app.far (id int) SERVER far"
    )
    assert secret not in str(read.stored())
    assert any("app.far" in sentence and "another server" in sentence for sentence in read.unfollowed)


def test_what_the_server_itself_notes_in_the_options_of_a_column_is_no_difference(apart: States) -> None:
    """PostgreSQL 15.20 writes a position of its log there whenever a column is made or changes its type."""
    change = "ALTER TABLE app.doc ALTER d SET (n_distinct = 5);"
    change += "ALTER MATERIALIZED VIEW app.stored ALTER id SET (n_distinct = 5);"
    note = """UPDATE pg_attribute SET attoptions = attoptions || '{pg_attver=30958168}'
              WHERE attrelid IN ('app.doc'::regclass, 'app.stored'::regclass) AND attnum > 0;"""
    first, second = apart.after(change), apart.after(change + note)
    assert list(state.differences(first.parts, second.parts)) == []
    assert first.fingerprint == second.fingerprint
    options = [part.definition for part in second.parts.values() if part.kind == "column options"]
    assert options == ["n_distinct=5", "n_distinct=5"]
