"""What became of a run is found out from three facts, and where they do not agree nobody guesses."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial

import pytest

from dbtools.execution import commit_outcome, runner
from dbtools.execution.commit_outcome import COMMITTED, NOT_COMMITTED, SAME, UNKNOWN, resolve
from dbtools.execution.run_spec import Identity, Unclear
from dbtools.postgres import client
from dbtools.postgres.client import Target
from tests.dbtools.execution.cut_connections import WAYS, Proxy, proxy
from tests.dbtools.execution.small_database import (
    DOWN,
    ID,
    NAMES,
    State,
    Witness,
    ended,
    fill,
    order,
    refill,
    state,
)


@pytest.fixture
def shop(shop: Target) -> Target:
    fill(shop)
    return shop


def ran(where: Target, statements: tuple[str, ...] = DOWN) -> tuple[Identity, State]:
    done = runner.run(where, order(where, statements), Witness())
    return done.identity, state(where)


def test_a_commit_that_is_cut_is_judged_right_every_time(shop: Target) -> None:
    after = ended(shop)
    seen = set()
    with proxy(shop) as between:
        for way in WAYS * 3:
            told, before, watch = order(shop), state(shop), Witness(partial(arm, between, way))
            with pytest.raises(Unclear) as raised:
                runner.run(between.target, told, watch)
            assert raised.value.identity == watch.identity
            found = resolve(shop, told, watch.identity, after=after.schema)
            assert state(shop) == {COMMITTED: after, NOT_COMMITTED: before}[found.verdict], (way, found)
            seen.add((way, found.verdict))
            if found.verdict == COMMITTED:
                refill(shop)
    assert {
        ("before", NOT_COMMITTED),
        ("in the middle", NOT_COMMITTED),
        ("with the answer", COMMITTED),
    } <= seen


def arm(between: Proxy, way: str, word: str) -> None:
    if word == "committing":
        between.way = way


def test_all_three_facts_are_told(shop: Target) -> None:
    told = order(shop)
    identity, after = ran(shop)
    found = resolve(shop, told, identity, after=after.schema)
    assert (found.verdict, found.status, found.rows, found.schema) == (COMMITTED, "committed", 0, "after")
    assert found.message == (
        "It was committed. The server says of the transaction: committed; 0 of 1 history rows stand; "
        "the schema is the one after."
    )


def test_a_worker_that_died_before_it_had_a_transaction_changed_nothing(shop: Target) -> None:
    assert resolve(shop, order(shop), None, after="after").verdict == NOT_COMMITTED


def test_a_schema_that_others_changed_does_not_hide_that_nothing_was_committed(shop: Target) -> None:
    told = order(shop)
    with client.connect(shop, "tests", autocommit=True) as connection:
        connection.execute('ALTER TABLE "Item" ADD COLUMN extra int')
    found = resolve(shop, told, None, after="after")
    assert (found.verdict, found.schema) == (NOT_COMMITTED, "neither")


def test_a_transaction_in_progress_is_waited_for_and_never_guessed(shop: Target) -> None:
    told = order(shop)
    with client.connect(shop, "tests") as connection:
        xid = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
        identity = replace(ran_identity(shop), xid=str(xid[0]) if xid else "")
        found = resolve(shop, told, identity, after="after", seconds=0.3)
        assert (found.verdict, found.status) == (UNKNOWN, "in progress")
        connection.rollback()
    assert resolve(shop, told, identity, after="after").verdict == NOT_COMMITTED


def ran_identity(where: Target) -> Identity:
    """Of a run that was undone."""

    def end(word: str) -> None:
        if word == "committing":
            raise LookupError

    watch = Witness(end)
    with pytest.raises(LookupError):
        runner.run(where, order(where), watch)
    assert watch.identity is not None
    return watch.identity


@pytest.mark.parametrize("changed", ["timeline", "system", "from the future"])
def test_on_another_timeline_rows_and_schema_have_to_agree(shop: Target, changed: str) -> None:
    """After a failover a number may belong to somebody else's transaction; here it is not trusted."""
    told = order(shop)
    identity, after = ran(shop)
    other = {
        "timeline": replace(identity, timeline=identity.timeline + 1),
        "system": replace(identity, system="7"),
        "from the future": replace(identity, xid="4000000000"),
    }[changed]
    found = resolve(shop, told, other, after=after.schema)
    assert (found.verdict, found.status) == (COMMITTED, "")
    assert resolve(shop, told, other, after="something else").verdict == UNKNOWN
    put_back(shop)
    assert resolve(shop, told, other, after=after.schema).verdict == UNKNOWN


def put_back(where: Target) -> None:
    with client.connect(where, "tests", autocommit=True) as connection:
        connection.execute(
            "INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name)"
            " VALUES (%s, '', now(), %s)",
            [ID.format(2), NAMES[1]],
        )


def test_a_row_that_somebody_else_deleted_is_no_proof(shop: Target) -> None:
    told, identity = order(shop), ran_identity(shop)
    with client.connect(shop, "tests", autocommit=True) as connection:
        connection.execute("DELETE FROM _prisma_migrations WHERE id = %s", [ID.format(2)])
    assert resolve(shop, told, identity, after="after").verdict == UNKNOWN
    assert resolve(shop, told, None, after="after").verdict == UNKNOWN
    assert resolve(shop, told, replace(identity, timeline=2), after="after").verdict == UNKNOWN


def test_a_row_that_stands_although_the_server_committed_is_for_a_person(shop: Target) -> None:
    told = order(shop)
    identity, after = ran(shop)
    put_back(shop)
    found = resolve(shop, told, identity, after=after.schema)
    assert found.verdict == UNKNOWN
    assert found.message.startswith("The facts do not agree, or not yet.")


def test_sql_that_leaves_the_schema_alone_is_judged_by_the_rest(shop: Target) -> None:
    told = order(shop, DOWN[:1])
    assert resolve(shop, told, ran_identity(shop), after=told.fingerprint).verdict == NOT_COMMITTED
    identity, after = ran(shop, DOWN[:1])
    found = resolve(shop, told, identity, after=after.schema)
    assert (found.verdict, found.schema) == (COMMITTED, SAME)


def test_a_history_that_is_gone_is_for_a_person(shop: Target) -> None:
    told, identity = order(shop), ran_identity(shop)
    with client.connect(shop, "tests", autocommit=True) as connection:
        connection.execute("DROP TABLE _prisma_migrations")
    assert resolve(shop, told, identity, after="after").verdict == UNKNOWN


@pytest.mark.parametrize(
    ("status", "rows", "schema", "began"),
    list(
        itertools.product(
            ("committed", "aborted", "in progress", ""),
            (0, 1, 2),
            ("before", "after", SAME, "neither"),
            (True, False),
        )
    ),
)
def test_no_fact_is_ever_overruled(status: str, rows: int, schema: str, began: bool) -> None:
    verdict = commit_outcome._judge(status, rows, 2, schema, began=began).verdict
    if verdict == COMMITTED:
        assert rows == 0
        assert status in {"committed", ""}
        assert schema != "before"
        assert status or (schema != "neither" and began)
    if verdict == NOT_COMMITTED:
        assert rows == 2
        assert status in {"aborted", ""}
        assert schema != "after"
        assert status or schema != "neither" or not began
