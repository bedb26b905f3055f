"""A run on a real server does everything or nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbtools.execution import runner
from dbtools.execution.run_spec import (
    NothingChanged,
    PartiallyApplied,
    RunCanceled,
)
from dbtools.postgres import catalog, client
from dbtools.postgres.client import DatabaseAddress
from tests.dbtools.execution.small_database import (
    DOWN,
    ID,
    NAMES,
    RecordingObserver,
    assert_no_session_left,
    refused,
    spec,
    state,
)  # fmt: skip


def test_a_run_does_everything(filled_shop: DatabaseAddress) -> None:
    observer = RecordingObserver()
    done = runner.run(filled_shop, spec(filled_shop), observer)
    assert observer.events == ["began", "ran 1", "ran 2", "ran 3", "deleted", "committing"]
    assert [(ran.number, ran.rows) for ran in done.ran] == [(1, 200), (2, -1), (3, -1)]
    assert state(filled_shop).history == (ID.format(1),)
    with client.connect(filled_shop, "tests") as connection:
        assert connection.execute('SELECT min(price) FROM "Order"').fetchone() == (4,)
        assert connection.execute("SELECT to_regclass('\"Item\"')").fetchone() == (None,)
        error = connection.execute("SELECT pg_xact_status(%s::xid8)", [done.identity.xid]).fetchone()
    assert error == ("committed",)


def test_the_deleted_rows_are_reported_completely_before_the_commit(filled_shop: DatabaseAddress) -> None:
    observer = RecordingObserver()
    done = runner.run(filled_shop, spec(filled_shop), observer)
    assert observer.saved == done.deleted
    assert observer.saved[0]["migration_name"] == NAMES[1]
    assert set(observer.saved[0]) == {
        "id", "checksum", "finished_at", "migration_name", "logs", "rolled_back_at", "started_at",
        "applied_steps_count",
    }  # fmt: skip


def test_the_transaction_is_identified_before_anything_is_changed(filled_shop: DatabaseAddress) -> None:
    def look(event: str) -> None:
        if event == "began":
            assert observer.identity is not None
            with client.connect(filled_shop, "tests") as connection:  # the history itself is locked by now
                assert catalog.read(connection, approved.schemas).fingerprint == before
                status = connection.execute(
                    "SELECT pg_xact_status(%s::xid8)", [observer.identity.xid]
                ).fetchone()
            seen.append(status)

    approved, seen = spec(filled_shop), list[object]()
    with client.connect(filled_shop, "tests") as reading:
        before = catalog.read(reading, approved.schemas).fingerprint
    observer = RecordingObserver(look)
    runner.run(filled_shop, approved, observer)
    assert seen == [("in progress",)]


def test_the_whole_transaction_is_retried_until_it_is_not_blocked(filled_shop: DatabaseAddress) -> None:
    with client.connect(filled_shop, "a report") as other:
        other.execute('SELECT count(*) FROM "Order"')
        observer = RecordingObserver(lambda event: other.rollback() if event == "waits 2" else None)
        done = runner.run(filled_shop, spec(filled_shop, tries=9), observer)
    assert done.tries == 3
    assert observer.events.count("began") == 3
    assert observer.events.count("committing") == 1
    assert state(filled_shop).history == (ID.format(1),)


@pytest.mark.parametrize("event", ["began", "ran 1", "ran 2", "ran 3"])
def test_canceling_at_any_event_leaves_everything_as_it_was(filled_shop: DatabaseAddress, event: str) -> None:
    observer = RecordingObserver()
    observer.stopped = lambda: event in observer.events
    assert isinstance(refused(filled_shop, spec(filled_shop), observer), RunCanceled)
    assert "committing" not in observer.events


def test_canceling_before_the_commit_is_early_enough(filled_shop: DatabaseAddress) -> None:
    observer = RecordingObserver()
    observer.stopped = lambda: "deleted" in observer.events
    assert "before the commit" in str(refused(filled_shop, spec(filled_shop), observer))


@pytest.mark.parametrize("event", ["began", "ran 2", "deleted", "committing"])
def test_the_observer_can_abort_the_run(filled_shop: DatabaseAddress, event: str) -> None:
    def break_off(error: str) -> None:
        if error == event:
            raise LookupError(event)

    before = state(filled_shop)
    with pytest.raises(LookupError):
        runner.run(filled_shop, spec(filled_shop), RecordingObserver(break_off))
    assert state(filled_shop) == before
    assert_no_session_left(filled_shop)


def test_a_failing_statement_is_reported_with_the_servers_message(filled_shop: DatabaseAddress) -> None:
    error = str(refused(filled_shop, spec(filled_shop, (DOWN[0], 'DROP TABLE "Nothing"'))))
    assert error.startswith('Statement 2 failed: table "Nothing" does not exist. (SQLSTATE 42P01)')
    assert error.endswith("the database is as it was.")


def test_a_statement_that_takes_too_long_is_canceled(filled_shop: DatabaseAddress) -> None:
    approved = spec(filled_shop, (DOWN[0], "SELECT pg_sleep(60)"), statement_seconds=3)
    assert "Statement 2 failed: canceling statement due to statement timeout" in str(
        refused(filled_shop, approved)
    )


def test_a_constraint_that_is_checked_at_the_end_fails_before_the_commit(
    filled_shop: DatabaseAddress,
) -> None:
    with client.connect(filled_shop, "tests", autocommit=True) as connection:
        connection.execute(
            'ALTER TABLE "Item" ALTER CONSTRAINT "Item_orderId_fkey" DEFERRABLE INITIALLY DEFERRED'
        )
    observer = RecordingObserver()
    error = refused(filled_shop, spec(filled_shop, ('DELETE FROM "Order" WHERE id = 1',)), observer)
    assert "foreign key" in str(error)
    assert "committing" not in observer.events


def test_without_rows_or_statements_nothing_runs(filled_shop: DatabaseAddress) -> None:
    assert "named" in str(refused(filled_shop, spec(filled_shop, rows=())))
    assert "named" in str(refused(filled_shop, spec(filled_shop, ())))


@pytest.mark.parametrize(
    "text",
    [
        'DROP TABLE "Item"; COMMIT', 'DROP TABLE "Item"; COMMIT; BEGIN', "SELECT 1; SELECT 2",
        "DO $$ BEGIN COMMIT; END $$", "VACUUM", 'DROP INDEX CONCURRENTLY "Order_note_idx"',
    ],
)  # fmt: skip
def test_one_text_is_one_statement_inside_the_transaction(filled_shop: DatabaseAddress, text: str) -> None:
    assert "Statement 2 failed" in str(refused(filled_shop, spec(filled_shop, (DOWN[0], text))))


@pytest.mark.parametrize(
    "text", ["COMMIT", "COMMIT AND CHAIN", "ROLLBACK", "ROLLBACK AND CHAIN", "PREPARE TRANSACTION 'x'"]
)
def test_a_statement_that_ends_the_transaction_is_detected_at_once(
    filled_shop: DatabaseAddress, text: str
) -> None:
    """The static check refuses such a text earlier; here it is not called."""
    observer = RecordingObserver()
    with pytest.raises((PartiallyApplied, NothingChanged)) as raised:
        runner.run(filled_shop, spec(filled_shop, (DOWN[0], text, DOWN[2])), observer)
    assert "ran 2" not in observer.events
    if "PREPARE" not in text:  # which most servers, as this one, do not allow at all
        assert isinstance(raised.value, PartiallyApplied)
        assert str(raised.value).startswith("Statement 2 ended the transaction")
    assert ID.format(2) in state(filled_shop).history


def test_the_password_is_in_no_error_of_a_run(filled_shop: DatabaseAddress) -> None:
    approved = spec(filled_shop, (f"SELECT '{filled_shop.password or 'geheim'}'::int",))
    error = refused(replace(filled_shop, password=filled_shop.password or "geheim"), approved)
    assert 'invalid input syntax for type integer: "…"' in str(error)


def test_a_connection_lost_before_the_commit_changes_nothing(filled_shop: DatabaseAddress) -> None:
    def cut(event: str) -> None:
        if event == "ran 2":
            assert observer.identity is not None
            with client.connect(filled_shop, "tests", autocommit=True) as connection:
                connection.execute("SELECT pg_terminate_backend(%s)", [observer.identity.backend])

    observer = RecordingObserver(cut)
    assert "Everything was undone" in str(refused(filled_shop, spec(filled_shop), observer))
