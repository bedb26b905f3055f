"""The one statement outside a transaction: it cannot be undone, so what became of it is always said."""

from __future__ import annotations

from threading import Thread

import pytest

from dbtools.execution import concurrent_index, runner
from dbtools.execution.commit_outcome import COMMITTED, NOT_COMMITTED, UNKNOWN, resolve
from dbtools.execution.run_spec import PRISMA_LOCK, Canceled, Escaped, HistoryRow, NothingChanged, Occupied
from dbtools.postgres import client
from dbtools.postgres.client import Target
from tests.dbtools.execution.small_database import CONCURRENTLY, ID, NAMES, Witness, fill, order, state

DOUBLE = ('CREATE UNIQUE INDEX CONCURRENTLY "Item_order_key" ON "Item" ("orderId")',)


@pytest.fixture
def shop(shop: Target, monkeypatch: pytest.MonkeyPatch) -> Target:
    monkeypatch.setattr(concurrent_index, "PAUSE", (0.01, 0.02))
    monkeypatch.setattr(concurrent_index, "PATIENCE", 1.0)
    fill(shop)
    return shop


def test_the_statement_and_then_the_row(shop: Target) -> None:
    watch = Witness()
    done = runner.run(shop, order(shop, CONCURRENTLY, alone=True), watch)
    assert watch.words == ["began", "ran 1", "began", "deleted", "committing"]
    assert (done.invalid, len(done.ran), done.deleted[0]["id"]) == ((), 1, ID.format(2))
    assert state(shop).history == (ID.format(1),)
    with client.connect(shop, "tests") as connection:
        assert connection.execute("SELECT to_regclass('\"Order_note_idx\"')").fetchone() == (None,)


def test_prismas_lock_is_held_from_the_first_word_to_the_last(shop: Target) -> None:
    taken: list[object] = []

    def try_to_start(word: str) -> None:
        with client.connect(shop, "prisma", autocommit=True) as prisma:
            taken.append(prisma.execute("SELECT pg_try_advisory_lock(%s)", [PRISMA_LOCK]).fetchone())

    runner.run(shop, order(shop, CONCURRENTLY, alone=True), Witness(try_to_start))
    assert taken == [(False,)] * 5
    try_to_start("afterwards")
    assert taken[-1] == (True,)


def refused(
    where: Target, watch: Witness | None = None, statements: tuple[str, ...] = CONCURRENTLY, **changes: object
) -> NothingChanged:
    before = state(where)
    with pytest.raises(NothingChanged) as raised:
        runner.run(where, order(where, statements, alone=True, **changes), watch or Witness())
    assert state(where) == before
    return raised.value


def test_a_prisma_that_is_under_way_is_not_disturbed(shop: Target) -> None:
    with client.connect(shop, "prisma", autocommit=True) as prisma:
        prisma.execute("SELECT pg_advisory_lock(%s)", [PRISMA_LOCK])
        assert isinstance(refused(shop), Occupied)


def test_another_world_than_the_approved_one_is_refused(shop: Target) -> None:
    assert "history is not the one" in str(refused(shop, history="0"))
    assert "schema is not the one" in str(refused(shop, fingerprint="0"))


def test_only_one_statement_runs_outside_a_transaction(shop: Target) -> None:
    assert "exactly one" in str(refused(shop, statements=CONCURRENTLY * 2))
    assert "multiple commands" in str(refused(shop, statements=(f"{CONCURRENTLY[0]}; SELECT 1",)))


def test_canceling_before_the_statement_is_early_enough(shop: Target) -> None:
    watch = Witness()
    watch.stopped = lambda: "began" in watch.words
    assert isinstance(refused(shop, watch), Canceled)


def test_a_statement_that_does_nothing_at_all_is_only_an_error(shop: Target) -> None:
    said = str(refused(shop, statements=('DROP INDEX CONCURRENTLY "Nothing"',)))
    assert "does not exist" in said
    assert said.endswith("Nothing was changed.")


def test_an_index_that_was_useless_before_is_not_blamed_on_the_run(shop: Target) -> None:
    with client.connect(shop, "tests", autocommit=True) as connection:
        connection.execute('UPDATE "Item" SET "orderId" = 1')
        with pytest.raises(client.Error):
            connection.execute(DOUBLE[0].encode())
    assert "does not exist" in str(refused(shop, statements=('DROP INDEX CONCURRENTLY "Nothing"',)))


def test_a_statement_that_fails_half_way_says_what_it_left_behind(shop: Target) -> None:
    with client.connect(shop, "tests", autocommit=True) as connection:
        connection.execute('UPDATE "Item" SET "orderId" = 1')
    told, watch = order(shop, DOUBLE, alone=True), Witness()
    with pytest.raises(Escaped) as raised:
        runner.run(shop, told, watch)
    assert 'It left public."Item_order_key" INVALID; the history still has its row.' in str(raised.value)
    assert "DROP INDEX CONCURRENTLY" in str(raised.value)
    assert state(shop).history == (ID.format(1), ID.format(2))
    found = resolve(shop, told, watch.identity, after="after")
    assert found.verdict == UNKNOWN


def test_whoever_is_in_the_way_of_the_statement_is_named(shop: Target) -> None:
    with client.connect(shop, "a vacuum") as other:
        other.execute('LOCK TABLE "Order" IN SHARE UPDATE EXCLUSIVE MODE')
        said = refused(shop)
        other.rollback()
    assert isinstance(said, Occupied)
    assert "rollback-portal a vacuum" in str(said)


def test_a_row_that_cannot_be_taken_out_afterwards_is_never_called_nothing(shop: Target) -> None:
    told = order(shop, CONCURRENTLY, alone=True, rows=(HistoryRow("another id", NAMES[1]),))
    with pytest.raises(Escaped) as raised:
        runner.run(shop, told, Witness())
    said = str(raised.value)
    assert said.startswith("The statement ran and stays, but the history row was not taken out:")
    assert "Nothing was changed" not in said
    assert "database is as it was" not in said
    assert state(shop).history == (ID.format(1), ID.format(2))


def test_a_deployment_between_statement_and_row_is_seen(shop: Target) -> None:
    def deploy(word: str) -> None:
        if word == "ran 1":
            with client.connect(shop, "prisma", autocommit=True) as prisma:  # told to take no lock
                prisma.execute(
                    "INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('x', '', 'x')"
                )

    with pytest.raises(Escaped, match="something was deployed since"):
        runner.run(shop, order(shop, CONCURRENTLY, alone=True), Witness(deploy))


def test_a_history_that_is_held_for_a_moment_is_waited_for(shop: Target) -> None:
    with client.connect(shop, "prisma") as prisma:

        def hold(word: str) -> None:
            if word == "ran 1":
                prisma.execute("LOCK TABLE _prisma_migrations IN ROW EXCLUSIVE MODE")
            if word == "waits 2":
                prisma.rollback()

        done = runner.run(shop, order(shop, CONCURRENTLY, alone=True, tries=9), Witness(hold))
    assert done.tries == 3
    assert state(shop).history == (ID.format(1),)


@pytest.mark.parametrize(
    ("word", "verdict"),
    [
        ("began", NOT_COMMITTED),
        ("ran 1", UNKNOWN),
        ("deleted", UNKNOWN),
        ("committing", UNKNOWN),
        ("", COMMITTED),
    ],
)
def test_wherever_the_worker_dies_the_resolution_knows_what_can_be_known(
    shop: Target, make_database: object, word: str, verdict: str
) -> None:
    def die(said: str) -> None:
        if said == word:
            raise KeyboardInterrupt

    told, watch = order(shop, CONCURRENTLY, alone=True), Witness(die)
    after = fingerprint_after(shop, told.fingerprint)
    if word:
        with pytest.raises(KeyboardInterrupt):
            runner.run(shop, told, watch)
    else:
        runner.run(shop, told, watch)
    assert resolve(shop, told, watch.identity, after=after).verdict == verdict


def fingerprint_after(where: Target, before: str) -> str:
    """What the rehearsal would have found: here by dropping the index and putting it back."""
    with client.connect(where, "tests", autocommit=True) as connection:
        connection.execute('DROP INDEX "Order_note_idx"')
        after = state(where).schema
        connection.execute('CREATE INDEX "Order_note_idx" ON "Order" (note)')
    assert state(where).schema == before != after
    return after


def test_a_statement_that_still_works_for_a_dead_worker_is_waited_for(shop: Target) -> None:
    """What has no transaction number can only be waited for: until its session is gone."""
    told, watch = order(shop, CONCURRENTLY, alone=True), Witness()
    with client.connect(shop, f"run {told.id}", autocommit=True) as left:
        sleeper = Thread(target=left.execute, args=("SELECT pg_sleep(1)",))
        sleeper.start()
        found = resolve(shop, told, watch.identity, after="after", seconds=0.3)
        sleeper.join()
    assert (found.verdict, found.status) == (UNKNOWN, "in progress")
    assert resolve(shop, told, watch.identity, after="after").verdict == NOT_COMMITTED
