"""Whether a run was committed follows from three facts; if they do not agree, it stays unknown."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial

import pytest

from dbtools.execution import commit_outcome, runner
from dbtools.execution.commit_outcome import COMMITTED, NOT_COMMITTED, SAME, UNKNOWN, find_outcome
from dbtools.execution.run_spec import CommitUnknown, Identity
from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress
from tests.dbtools.execution.cut_connections import WAYS, Proxy, proxy
from tests.dbtools.execution.small_database import (
    DOWN,
    ID,
    NAMES,
    RecordingObserver,
    State,
    ended,
    refill,
    spec,
    state,
)


def committed_run(address: DatabaseAddress, statements: tuple[str, ...] = DOWN) -> tuple[Identity, State]:
    done = runner.run(address, spec(address, statements), RecordingObserver())
    return done.identity, state(address)


def test_the_outcome_of_a_cut_commit_is_found_every_time(filled_shop: DatabaseAddress) -> None:
    after = ended(filled_shop)
    seen = set()
    with proxy(filled_shop) as between:
        for way in WAYS * 3:
            approved, before, observer = (
                spec(filled_shop),
                state(filled_shop),
                RecordingObserver(partial(arm, between, way)),
            )
            with pytest.raises(CommitUnknown) as raised:
                runner.run(between.address, approved, observer)
            assert raised.value.identity == observer.identity
            outcome = find_outcome(filled_shop, approved, observer.identity, after=after.schema)
            assert state(filled_shop) == {COMMITTED: after, NOT_COMMITTED: before}[outcome.verdict], (
                way,
                outcome,
            )
            seen.add((way, outcome.verdict))
            if outcome.verdict == COMMITTED:
                refill(filled_shop)
    assert {
        ("before", NOT_COMMITTED),
        ("in the middle", NOT_COMMITTED),
        ("with the answer", COMMITTED),
    } <= seen


def arm(between: Proxy, way: str, event: str) -> None:
    if event == "committing":
        between.way = way


def test_the_message_names_all_three_facts(filled_shop: DatabaseAddress) -> None:
    approved = spec(filled_shop)
    identity, after = committed_run(filled_shop)
    outcome = find_outcome(filled_shop, approved, identity, after=after.schema)
    assert (outcome.verdict, outcome.status, outcome.rows, outcome.schema) == (
        COMMITTED,
        "committed",
        0,
        "after",
    )
    assert outcome.message == (
        "It was committed. The server says of the transaction: committed; 0 of 1 history rows are there; "
        "the schema is the one after."
    )


def test_a_worker_that_died_before_it_had_a_transaction_changed_nothing(filled_shop: DatabaseAddress) -> None:
    assert find_outcome(filled_shop, spec(filled_shop), None, after="after").verdict == NOT_COMMITTED


def test_a_schema_that_others_changed_does_not_hide_that_nothing_was_committed(
    filled_shop: DatabaseAddress,
) -> None:
    approved = spec(filled_shop)
    with client.connect(filled_shop, "tests", autocommit=True) as connection:
        connection.execute('ALTER TABLE "Item" ADD COLUMN extra int')
    outcome = find_outcome(filled_shop, approved, None, after="after")
    assert (outcome.verdict, outcome.schema) == (NOT_COMMITTED, "neither")


def test_a_transaction_in_progress_is_waited_for(filled_shop: DatabaseAddress) -> None:
    approved = spec(filled_shop)
    with client.connect(filled_shop, "tests") as connection:
        xid = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
        identity = replace(rolled_back_run(filled_shop), xid=str(xid[0]) if xid else "")
        outcome = find_outcome(filled_shop, approved, identity, after="after", seconds=0.3)
        assert (outcome.verdict, outcome.status) == (UNKNOWN, "in progress")
        connection.rollback()
    assert find_outcome(filled_shop, approved, identity, after="after").verdict == NOT_COMMITTED


def rolled_back_run(address: DatabaseAddress) -> Identity:
    """The identity of a run that was rolled back."""

    def fail(event: str) -> None:
        if event == "committing":
            raise LookupError

    observer = RecordingObserver(fail)
    with pytest.raises(LookupError):
        runner.run(address, spec(address), observer)
    assert observer.identity is not None
    return observer.identity


@pytest.mark.parametrize("changed", ["timeline", "system", "from the future"])
def test_on_another_timeline_rows_and_schema_have_to_agree(
    filled_shop: DatabaseAddress, changed: str
) -> None:
    """After a failover, the transaction id may belong to another transaction, so it is not trusted."""
    approved = spec(filled_shop)
    identity, after = committed_run(filled_shop)
    other = {
        "timeline": replace(identity, timeline=identity.timeline + 1),
        "system": replace(identity, system="7"),
        "from the future": replace(identity, xid="4000000000"),
    }[changed]
    outcome = find_outcome(filled_shop, approved, other, after=after.schema)
    assert (outcome.verdict, outcome.status) == (COMMITTED, "")
    assert find_outcome(filled_shop, approved, other, after="something else").verdict == UNKNOWN
    restore_row(filled_shop)
    assert find_outcome(filled_shop, approved, other, after=after.schema).verdict == UNKNOWN


def restore_row(address: DatabaseAddress) -> None:
    with client.connect(address, "tests", autocommit=True) as connection:
        connection.execute(
            "INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name)"
            " VALUES (%s, '', now(), %s)",
            [ID.format(2), NAMES[1]],
        )


def test_a_row_that_somebody_else_deleted_proves_nothing(filled_shop: DatabaseAddress) -> None:
    approved, identity = spec(filled_shop), rolled_back_run(filled_shop)
    with client.connect(filled_shop, "tests", autocommit=True) as connection:
        connection.execute("DELETE FROM _prisma_migrations WHERE id = %s", [ID.format(2)])
    assert find_outcome(filled_shop, approved, identity, after="after").verdict == UNKNOWN
    assert find_outcome(filled_shop, approved, None, after="after").verdict == UNKNOWN
    assert (
        find_outcome(filled_shop, approved, replace(identity, timeline=2), after="after").verdict == UNKNOWN
    )


def test_a_row_that_exists_although_the_server_committed_leaves_the_outcome_unknown(
    filled_shop: DatabaseAddress,
) -> None:
    approved = spec(filled_shop)
    identity, after = committed_run(filled_shop)
    restore_row(filled_shop)
    outcome = find_outcome(filled_shop, approved, identity, after=after.schema)
    assert outcome.verdict == UNKNOWN
    assert outcome.message.startswith("The facts do not agree, or not yet.")


def test_sql_that_does_not_change_the_schema_is_judged_by_the_other_facts(
    filled_shop: DatabaseAddress,
) -> None:
    approved = spec(filled_shop, DOWN[:1])
    assert (
        find_outcome(filled_shop, approved, rolled_back_run(filled_shop), after=approved.fingerprint).verdict
        == NOT_COMMITTED
    )
    identity, after = committed_run(filled_shop, DOWN[:1])
    outcome = find_outcome(filled_shop, approved, identity, after=after.schema)
    assert (outcome.verdict, outcome.schema) == (COMMITTED, SAME)


def test_without_a_history_the_outcome_is_unknown(filled_shop: DatabaseAddress) -> None:
    approved, identity = spec(filled_shop), rolled_back_run(filled_shop)
    with client.connect(filled_shop, "tests", autocommit=True) as connection:
        connection.execute("DROP TABLE _prisma_migrations")
    assert find_outcome(filled_shop, approved, identity, after="after").verdict == UNKNOWN


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
def test_no_verdict_contradicts_a_fact(status: str, rows: int, schema: str, began: bool) -> None:
    verdict = commit_outcome._verdict(status, rows, 2, schema, began=began).verdict
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
