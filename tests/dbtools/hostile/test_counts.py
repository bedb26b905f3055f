"""Nothing of a hostile database or script is called while the wizard counts, and nothing is written."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import count as numbers

import pytest

from dbtools.postgres import client, counts
from dbtools.postgres.client import SQL, Connection, DatabaseAddress, Identifier, Literal
from dbtools.postgres.counts import Counted, CountedNames, read_only
from dbtools.sql.check import check
from tests.dbtools.hostile.counted_cases import BASE, EVIL, HIDDEN, OWN_FUNCTIONS, SCRIPTS, WRITING

NUMBER = numbers(1)
CALLED = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711"


@pytest.fixture(scope="module")
def owned(server: DatabaseAddress) -> Iterator[DatabaseAddress]:
    """A database as the role that owns it and everything in it, and is no superuser."""
    name = f"hostile_{secrets.token_hex(6)}"
    with client.connect(server, "tests", autocommit=True) as connection:
        role = Identifier(name)
        connection.execute(SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, Literal(name)))
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE template0 OWNER {}").format(role, role))
    yield replace(server, user=name, password=name, database=name)
    with client.connect(server, "tests", autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(role))
        connection.execute(SQL("DROP ROLE {}").format(role))


class HostileSchema:
    """A schema of its own for each case, in which `app` stands for its name."""

    def __init__(self, address: DatabaseAddress, setup: str) -> None:
        self.name, self.address = f"app_{next(NUMBER)}", address
        with client.connect(address, "tests", autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {self.name}".encode())
            for text in (BASE, setup.replace("{evil}", EVIL)):
                connection.execute(self.here(text).encode() or b"SELECT 1")
            connection.execute("SELECT pg_advisory_unlock_all()")

    def here(self, text: str) -> str:
        return text.replace("app.", f"{self.name}.").replace("app_;", f"{self.name};")

    def count(self, script: str) -> list[Counted]:
        """What the wizard counts for a script, whatever else it thinks of it."""
        checked = check(self.here(script), schemas=(self.name,), allow_opaque=True)
        found = [one for part in checked.statements for hazard in part.hazards for one in hazard.counts]
        with counts.read_only_connection(self.address, "tests", 5) as connection:
            results = [
                Counted(None, one.why_not)
                if one.uses is None
                else counts.count(connection, one.query, CountedNames(**asdict(one.uses)), 5)
                for one in found
            ]
            assert self.called(connection) == 0, found
        assert self.written() == 0
        return results

    def called(self, connection: Connection) -> int:
        row = connection.execute(CALLED.encode()).fetchone()
        return int(row[0]) if row else -1

    def written(self) -> int:
        with client.connect(self.address, "tests") as connection:
            row = connection.execute(self.here("SELECT count(*) FROM app.written").encode()).fetchone()
        return int(row[0]) if row else -1


@pytest.mark.parametrize("case", HIDDEN)
def test_what_hides_in_a_count_is_not_called_and_the_reason_is_said(
    owned: DatabaseAddress, case: str
) -> None:
    setup, script = HIDDEN[case]
    results = HostileSchema(owned, setup).count(script)
    assert results
    assert any(result.number is None for result in results)
    assert all(result.why_not for result in results if result.number is None)


@pytest.mark.parametrize("expression", OWN_FUNCTIONS)
def test_a_function_of_postgresql_that_does_something_is_not_called(
    owned: DatabaseAddress, expression: str
) -> None:
    for result in HostileSchema(owned, "").count("DELETE FROM t WHERE " + expression):  # noqa: S608
        assert result.number is None
        assert result.why_not


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_statement_of_a_script_reaches_the_database(owned: DatabaseAddress, script: str) -> None:
    HostileSchema(owned, "").count(script)


def test_a_harmless_count_in_a_hostile_database_is_made(owned: DatabaseAddress) -> None:
    results = HostileSchema(owned, "").count(
        "DELETE FROM t WHERE m = 'good' AND lower(a) IN ('x', 'z') AND id BETWEEN 1 AND 9 AND m::text > 'a'"
    )
    assert results == [Counted(1)]


def test_an_extension_in_the_same_schema_keeps_no_count_from_being_made(owned: DatabaseAddress) -> None:
    """It brings operators and functions under PostgreSQL's own names, but for a type of its own."""
    place = HostileSchema(
        owned, "CREATE EXTENSION citext SCHEMA app_; CREATE TABLE app.c (id int, c app.citext);"
    )
    assert place.count("DELETE FROM t WHERE a = 'x' AND replace(a, 'x', 'y') = 'y'") == [Counted(1)]
    (of_its_type,) = place.count("DELETE FROM c WHERE c = 'x'")
    assert of_its_type.why_not == f"the type {place.name}.citext is not PostgreSQL's own"


def test_what_is_called_all_the_same_cannot_write(
    owned: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every name let through, the transaction is the wall."""
    monkeypatch.setattr(read_only, "why_not", lambda connection, names: "")
    place = HostileSchema(owned, "")
    names = CountedNames(place.name, (), (), (), (), ())
    with counts.read_only_connection(owned, "tests", 5) as connection:
        query = place.here("SELECT count(*) FROM app.t WHERE app.evil(id)")
        assert counts.count(connection, query, names, 5) == Counted(2)
        assert place.called(connection) == 1
        for attempt in map(place.here, WRITING):
            assert counts.count(connection, attempt, names, 5).number is None, attempt
            assert connection.info.transaction_status == client.IDLE
    assert place.written() == 0


def test_a_count_that_takes_too_long_says_so(owned: DatabaseAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_only, "why_not", lambda connection, names: "")
    names = CountedNames("app", (), (), (), (), ())
    with counts.read_only_connection(owned, "tests", 1) as connection:
        slow = counts.count(connection, "SELECT 1 FROM pg_sleep(60)", names, 1)
    assert slow == Counted(None, "it takes longer than 1 s")
