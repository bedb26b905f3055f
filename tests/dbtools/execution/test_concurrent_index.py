"""CREATE and DROP INDEX CONCURRENTLY: they cannot be rolled back, so their effect is always reported."""

from __future__ import annotations

from threading import Thread

import pytest

from dbtools.execution import runner
from dbtools.execution.commit_outcome import COMMITTED, NOT_COMMITTED, UNKNOWN, find_outcome
from dbtools.execution.run_spec import (
    PRISMA_LOCK,
    Blocked,
    NothingChanged,
    PartiallyApplied,
    RowToDelete,
    RunCanceled,
)
from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress
from tests.dbtools.execution.small_database import (
    CONCURRENTLY,
    ID,
    NAMES,
    PrismaStarts,
    RecordingObserver,
    spec,
    state,
)

DOUBLE = ('CREATE UNIQUE INDEX CONCURRENTLY "Item_order_key" ON "Item" ("orderId")',)


def test_the_statement_runs_before_the_row_is_deleted(filled_shop: DatabaseAddress) -> None:
    observer = RecordingObserver()
    done = runner.run(filled_shop, spec(filled_shop, CONCURRENTLY, outside_transaction=True), observer)
    assert observer.events == ["began", "ran 1", "began", "deleted", "committing"]
    assert (done.invalid_indexes, len(done.ran), done.deleted[0]["id"]) == ((), 1, ID.format(2))
    assert state(filled_shop).history == (ID.format(1),)
    with client.connect(filled_shop, "tests") as connection:
        assert connection.execute("SELECT to_regclass('\"Order_note_idx\"')").fetchone() == (None,)


def test_prismas_lock_is_held_throughout(filled_shop: DatabaseAddress) -> None:
    prisma = PrismaStarts(filled_shop)
    runner.run(
        filled_shop,
        spec(filled_shop, CONCURRENTLY, outside_transaction=True),
        RecordingObserver(prisma),
    )
    assert prisma.took_lock == [False] * 5
    prisma("afterwards")
    assert prisma.took_lock[-1]


def refused(
    address: DatabaseAddress,
    observer: RecordingObserver | None = None,
    statements: tuple[str, ...] = CONCURRENTLY,
    **changes: object,
) -> NothingChanged:
    before = state(address)
    with pytest.raises(NothingChanged) as raised:
        runner.run(
            address,
            spec(address, statements, outside_transaction=True, **changes),
            observer or RecordingObserver(),
        )
    assert state(address) == before
    return raised.value


def test_a_running_prisma_migrate_blocks_the_run(filled_shop: DatabaseAddress) -> None:
    with client.connect(filled_shop, "prisma", autocommit=True) as prisma:
        prisma.execute("SELECT pg_advisory_lock(%s)", [PRISMA_LOCK])
        assert isinstance(refused(filled_shop), Blocked)


def test_another_schema_than_the_approved_one_is_refused(filled_shop: DatabaseAddress) -> None:
    assert "history is not the one" in str(refused(filled_shop, history="0"))
    assert "schema is not the one" in str(refused(filled_shop, fingerprint="0"))


SEVERAL = (
    'CREATE INDEX CONCURRENTLY "Order_note_again" ON "Order" ("note")',
    'DROP INDEX CONCURRENTLY "Order_note_idx"',
    'CREATE INDEX CONCURRENTLY "Order_note_idx" ON "Order" ("note" DESC)',
)


def test_several_statements_run_one_after_the_other(filled_shop: DatabaseAddress) -> None:
    observer = RecordingObserver()
    done = runner.run(filled_shop, spec(filled_shop, SEVERAL, outside_transaction=True), observer)
    assert observer.events == ["began", "ran 1", "ran 2", "ran 3", "began", "deleted", "committing"]
    assert ([ran.number for ran in done.ran], done.invalid_indexes) == ([1, 2, 3], ())
    assert state(filled_shop).history == (ID.format(1),)


def test_what_ran_before_a_statement_that_fails_is_named(filled_shop: DatabaseAddress) -> None:
    statements = (*SEVERAL[:2], 'DROP INDEX CONCURRENTLY "Nothing"', SEVERAL[2])
    before = state(filled_shop).history
    approved = spec(filled_shop, statements, outside_transaction=True)
    with pytest.raises(PartiallyApplied, match="does not exist") as raised:
        runner.run(filled_shop, approved, RecordingObserver())
    assert str(raised.value).startswith("Statement 3 failed: ")
    assert "Statements 1 to 2 ran and stay." in str(raised.value)
    assert state(filled_shop).history == before


def test_the_first_of_several_that_fails_leaves_everything(filled_shop: DatabaseAddress) -> None:
    error = str(refused(filled_shop, statements=('DROP INDEX CONCURRENTLY "Nothing"', *SEVERAL)))
    assert error.startswith("Statement 1 failed: ")
    assert error.endswith("Nothing was changed.")


def test_canceling_between_two_statements_says_what_stays(filled_shop: DatabaseAddress) -> None:
    observer = RecordingObserver()
    observer.stopped = lambda: "ran 1" in observer.events
    with pytest.raises(PartiallyApplied, match=r"Canceled before statement 2\. Statement 1 ran and stays\."):
        runner.run(filled_shop, spec(filled_shop, SEVERAL, outside_transaction=True), observer)


def test_one_text_is_one_statement(filled_shop: DatabaseAddress) -> None:
    assert "multiple commands" in str(refused(filled_shop, statements=(f"{CONCURRENTLY[0]}; SELECT 1",)))


def test_canceling_before_the_statement_is_early_enough(filled_shop: DatabaseAddress) -> None:
    observer = RecordingObserver()
    observer.stopped = lambda: "began" in observer.events
    assert isinstance(refused(filled_shop, observer), RunCanceled)


def test_a_statement_that_does_nothing_at_all_is_only_an_error(filled_shop: DatabaseAddress) -> None:
    error = str(refused(filled_shop, statements=('DROP INDEX CONCURRENTLY "Nothing"',)))
    assert "does not exist" in error
    assert error.endswith("Nothing was changed.")


def test_an_index_that_was_invalid_before_is_not_blamed_on_the_run(filled_shop: DatabaseAddress) -> None:
    with client.connect(filled_shop, "tests", autocommit=True) as connection:
        connection.execute('UPDATE "Item" SET "orderId" = 1')
        with pytest.raises(client.Error):
            connection.execute(DOUBLE[0].encode())
    assert "does not exist" in str(refused(filled_shop, statements=('DROP INDEX CONCURRENTLY "Nothing"',)))


def test_a_statement_that_fails_half_way_reports_what_it_left(filled_shop: DatabaseAddress) -> None:
    with client.connect(filled_shop, "tests", autocommit=True) as connection:
        connection.execute('UPDATE "Item" SET "orderId" = 1')
    approved, observer = spec(filled_shop, DOUBLE, outside_transaction=True), RecordingObserver()
    with pytest.raises(PartiallyApplied) as raised:
        runner.run(filled_shop, approved, observer)
    assert 'It left public."Item_order_key" INVALID; the history still has its row.' in str(raised.value)
    assert "DROP INDEX CONCURRENTLY" in str(raised.value)
    assert state(filled_shop).history == (ID.format(1), ID.format(2))
    outcome = find_outcome(filled_shop, approved, observer.identity, after="after")
    assert outcome.verdict == UNKNOWN


def test_the_session_that_blocks_the_statement_is_named(filled_shop: DatabaseAddress) -> None:
    with client.connect(filled_shop, "a vacuum") as other:
        other.execute('LOCK TABLE "Order" IN SHARE UPDATE EXCLUSIVE MODE')
        error = refused(filled_shop)
        other.rollback()
    assert isinstance(error, Blocked)
    assert "rollback-portal a vacuum" in str(error)


def test_a_row_that_cannot_be_deleted_is_never_reported_as_nothing_changed(
    filled_shop: DatabaseAddress,
) -> None:
    approved = spec(
        filled_shop, CONCURRENTLY, outside_transaction=True, rows=(RowToDelete("another id", NAMES[1]),)
    )
    with pytest.raises(PartiallyApplied) as raised:
        runner.run(filled_shop, approved, RecordingObserver())
    error = str(raised.value)
    assert error.startswith("The statement ran and stays, but the history row was not taken out:")
    assert "Nothing was changed" not in error
    assert "database is as it was" not in error
    assert state(filled_shop).history == (ID.format(1), ID.format(2))


def test_a_deployment_between_statement_and_row_is_detected(filled_shop: DatabaseAddress) -> None:
    def deploy(event: str) -> None:
        if event == "ran 1":
            with client.connect(
                filled_shop, "prisma", autocommit=True
            ) as prisma:  # configured to take no lock
                prisma.execute(
                    "INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('x', '', 'x')"
                )

    with pytest.raises(PartiallyApplied, match="something was deployed since"):
        runner.run(
            filled_shop, spec(filled_shop, CONCURRENTLY, outside_transaction=True), RecordingObserver(deploy)
        )


def test_a_history_that_is_locked_for_a_moment_is_waited_for(filled_shop: DatabaseAddress) -> None:
    with client.connect(filled_shop, "prisma") as prisma:

        def hold(event: str) -> None:
            if event == "ran 1":
                prisma.execute("LOCK TABLE _prisma_migrations IN ROW EXCLUSIVE MODE")
            if event == "waits 2":
                prisma.rollback()

        done = runner.run(
            filled_shop,
            spec(filled_shop, CONCURRENTLY, outside_transaction=True, tries=9),
            RecordingObserver(hold),
        )
    assert done.tries == 3
    assert state(filled_shop).history == (ID.format(1),)


@pytest.mark.parametrize(
    ("event", "verdict"),
    [
        ("began", NOT_COMMITTED),
        ("ran 1", UNKNOWN),
        ("deleted", UNKNOWN),
        ("committing", UNKNOWN),
        ("", COMMITTED),
    ],
)
def test_the_outcome_is_found_wherever_the_worker_dies(
    filled_shop: DatabaseAddress, make_database: object, event: str, verdict: str
) -> None:
    def die(error: str) -> None:
        if error == event:
            raise KeyboardInterrupt

    approved, observer = spec(filled_shop, CONCURRENTLY, outside_transaction=True), RecordingObserver(die)
    after = fingerprint_after(filled_shop, approved.fingerprint)
    if event:
        with pytest.raises(KeyboardInterrupt):
            runner.run(filled_shop, approved, observer)
    else:
        runner.run(filled_shop, approved, observer)
    assert find_outcome(filled_shop, approved, observer.identity, after=after).verdict == verdict


def fingerprint_after(address: DatabaseAddress, before: str) -> str:
    """The fingerprint after a rehearsal, found by dropping the index and creating it again."""
    with client.connect(address, "tests", autocommit=True) as connection:
        connection.execute('DROP INDEX "Order_note_idx"')
        after = state(address).schema
        connection.execute('CREATE INDEX "Order_note_idx" ON "Order" (note)')
    assert state(address).schema == before != after
    return after


def test_a_statement_still_running_for_a_dead_worker_is_waited_for(filled_shop: DatabaseAddress) -> None:
    """Without a transaction id, one can only wait until its session has ended."""
    approved, observer = spec(filled_shop, CONCURRENTLY, outside_transaction=True), RecordingObserver()
    with client.connect(filled_shop, f"run {approved.id}", autocommit=True) as left:
        sleeper = Thread(target=left.execute, args=("SELECT pg_sleep(1)",))
        sleeper.start()
        outcome = find_outcome(filled_shop, approved, observer.identity, after="after", seconds=0.3)
        sleeper.join()
    assert (outcome.verdict, outcome.status) == (UNKNOWN, "in progress")
    assert find_outcome(filled_shop, approved, observer.identity, after="after").verdict == NOT_COMMITTED
