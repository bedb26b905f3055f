"""A run on a real server: all of it or nothing, and nobody is kept waiting because of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Thread

import pytest

from dbtools.execution import runner
from dbtools.execution.run_spec import (
    PRISMA_LOCK,
    Canceled,
    Escaped,
    HistoryRow,
    NothingChanged,
    Occupied,
    Order,
    Unclear,
)
from dbtools.postgres import catalog, client
from dbtools.postgres.client import SQL, Connection, Identifier, Target
from tests.dbtools.execution.small_database import DOWN, ID, NAMES, Witness, fill, order, state

LONGEST_WAIT = 0.5  # seconds that a reader may wait because of a run


@pytest.fixture
def shop(shop: Target, monkeypatch: pytest.MonkeyPatch) -> Target:
    monkeypatch.setattr(runner, "PAUSE", (0.05, 0.1))
    fill(shop)
    return shop


# --- done -------------------------------------------------------------------------------------------------
def test_a_run_does_all_of_it(shop: Target) -> None:
    watch = Witness()
    done = runner.run(shop, order(shop), watch)
    assert watch.words == ["began", "ran 1", "ran 2", "ran 3", "deleted", "committing"]
    assert [(ran.number, ran.rows) for ran in done.ran] == [(1, 200), (2, -1), (3, -1)]
    assert state(shop).history == (ID.format(1),)
    with client.connect(shop, "tests") as connection:
        assert connection.execute('SELECT min(price) FROM "Order"').fetchone() == (4,)
        assert connection.execute("SELECT to_regclass('\"Item\"')").fetchone() == (None,)
        said = connection.execute("SELECT pg_xact_status(%s::xid8)", [done.identity.xid]).fetchone()
    assert said == ("committed",)


def test_the_rows_that_go_are_told_whole_before_they_are_gone(shop: Target) -> None:
    watch = Witness()
    done = runner.run(shop, order(shop), watch)
    assert watch.saved == done.deleted
    assert watch.saved[0]["migration_name"] == NAMES[1]
    assert set(watch.saved[0]) == {
        "id", "checksum", "finished_at", "migration_name", "logs", "rolled_back_at", "started_at",
        "applied_steps_count",
    }  # fmt: skip


def test_the_transaction_is_named_before_anything_is_changed(shop: Target) -> None:
    def look(word: str) -> None:
        if word == "began":
            assert watch.identity is not None
            with client.connect(shop, "tests") as connection:  # the history itself is locked by now
                assert catalog.read(connection, told.schemas).fingerprint == told.fingerprint
                found = connection.execute("SELECT pg_xact_status(%s::xid8)", [watch.identity.xid]).fetchone()
            seen.append(found)

    told, seen = order(shop), list[object]()
    watch = Witness(look)
    runner.run(shop, told, watch)
    assert seen == [("in progress",)]


def test_only_the_schema_of_the_address_is_looked_in(shop: Target) -> None:
    with client.connect(shop, "tests", autocommit=True) as connection:
        connection.execute(
            f"ALTER ROLE {shop.user} IN DATABASE {shop.database} SET search_path = elsewhere".encode()
        )
        connection.execute("CREATE SCHEMA elsewhere")
        connection.execute('CREATE TABLE elsewhere."Order" (id int, note text)')
    runner.run(shop, order(shop), Witness())
    with client.connect(shop, "tests") as connection:
        columns = connection.execute(
            "SELECT table_schema FROM information_schema.columns WHERE column_name = 'note'"
        ).fetchall()
    assert columns == [("elsewhere",)]


def test_what_the_role_was_given_by_default_does_not_count(shop: Target) -> None:
    told = order(shop)
    with client.connect(shop, "tests", autocommit=True) as connection:
        for setting in (
            "default_transaction_read_only = on", "default_transaction_isolation = 'serializable'",
            "synchronous_commit = off", "statement_timeout = 1", "lock_timeout = 0",
            "search_path = pg_catalog",
        ):  # fmt: skip
            name = f"ALTER ROLE {shop.user} IN DATABASE {shop.database} SET {setting}"
            connection.execute(name.encode())
    shown: list[object] = []

    class Curious(Witness):
        def committing(self, connection: Connection) -> None:
            for name in ("transaction_isolation", "synchronous_commit", "statement_timeout"):
                shown.append(connection.execute(f"SHOW {name}".encode()).fetchone())

    runner.run(shop, told, Curious())
    assert shown == [("read committed",), ("on",), ("1min",)]


# --- nothing changed --------------------------------------------------------------------------------------
def refused(where: Target, told: Order, watch: Witness | None = None) -> NothingChanged:
    """Run it; it has to refuse, and everything has to be as it was."""
    before = state(where)
    with pytest.raises(NothingChanged) as raised:
        runner.run(where, told, watch or Witness())
    assert state(where) == before
    assert_nobody_left(where)
    return raised.value


def assert_nobody_left(where: Target) -> None:
    with client.connect(where, "tests", autocommit=True) as connection:
        deadline = time.monotonic() + 2
        while (left := sessions(connection)) and time.monotonic() < deadline:
            time.sleep(0.02)
    assert left == []


def sessions(connection: Connection) -> list[tuple[object, ...]]:
    return connection.execute(
        "SELECT pid, state FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name ~ '^rollback-portal (run|lookout)'"
    ).fetchall()


@pytest.mark.parametrize("word", ["began", "ran 1", "ran 2", "ran 3"])
def test_canceling_at_any_word_leaves_everything_as_it_was(shop: Target, word: str) -> None:
    watch = Witness()
    watch.stopped = lambda: word in watch.words
    assert isinstance(refused(shop, order(shop), watch), Canceled)
    assert "committing" not in watch.words


def test_canceling_before_the_commit_is_early_enough(shop: Target) -> None:
    watch = Witness()
    watch.stopped = lambda: "deleted" in watch.words
    assert "before the commit" in str(refused(shop, order(shop), watch))


def test_canceling_ends_a_statement_that_works(shop: Target) -> None:
    watch = Witness()
    slow = (DOWN[0], "SELECT pg_sleep(30)")
    watch.stopped = lambda: time.monotonic() > began + 0.5
    began = time.monotonic()
    assert isinstance(refused(shop, order(shop, slow), watch), Canceled)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("word", ["began", "ran 2", "deleted", "committing"])
def test_whoever_follows_can_break_it_off(shop: Target, word: str) -> None:
    def break_off(said: str) -> None:
        if said == word:
            raise LookupError(word)

    before = state(shop)
    with pytest.raises(LookupError):
        runner.run(shop, order(shop), Witness(break_off))
    assert state(shop) == before
    assert_nobody_left(shop)


def test_a_failing_statement_is_named_with_the_servers_words(shop: Target) -> None:
    said = str(refused(shop, order(shop, (DOWN[0], 'DROP TABLE "Nothing"'))))
    assert said.startswith('Statement 2 failed: table "Nothing" does not exist. (SQLSTATE 42P01)')
    assert said.endswith("the database is as it was.")


def test_a_statement_that_takes_too_long_is_ended(shop: Target) -> None:
    told = order(shop, (DOWN[0], "SELECT pg_sleep(30)"), statement_seconds=0.2)
    assert "Statement 2 failed: canceling statement due to statement timeout" in str(refused(shop, told))


def test_a_constraint_that_is_checked_at_the_end_fails_before_the_commit(shop: Target) -> None:
    with client.connect(shop, "tests", autocommit=True) as connection:
        connection.execute(
            'ALTER TABLE "Item" ALTER CONSTRAINT "Item_orderId_fkey" DEFERRABLE INITIALLY DEFERRED'
        )
    watch = Witness()
    said = refused(shop, order(shop, ('DELETE FROM "Order" WHERE id = 1',)), watch)
    assert "foreign key" in str(said)
    assert "committing" not in watch.words


def test_a_history_that_moved_on_is_refused(shop: Target) -> None:
    told = order(shop)
    with client.connect(shop, "tests", autocommit=True) as connection:
        connection.execute(
            "INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name)"
            " VALUES ('x', 'x', now(), '20260103000000_later')"
        )
    watch = Witness()
    assert "deployed since" in str(refused(shop, told, watch))
    assert watch.words == []


def test_a_schema_that_was_changed_is_refused(shop: Target) -> None:
    told = order(shop)
    with client.connect(shop, "tests", autocommit=True) as connection:
        connection.execute('ALTER TABLE "Item" ADD COLUMN extra int')
    watch = Witness()
    assert "The schema is not the one that was approved" in str(refused(shop, told, watch))
    assert watch.words == []


@pytest.mark.parametrize(
    "row", [HistoryRow("another id", NAMES[1]), HistoryRow(ID.format(2), "another name"), HistoryRow("", "")]
)
def test_exactly_one_row_goes_or_nothing_happens(shop: Target, row: HistoryRow) -> None:
    assert "0 applied rows" in str(refused(shop, order(shop, rows=(row,))))


@pytest.mark.parametrize("column", ["rolled_back_at = now()", "finished_at = NULL"])
def test_a_row_that_is_not_applied_does_not_go(shop: Target, column: str) -> None:
    with client.connect(shop, "tests", autocommit=True) as connection:
        change = f"UPDATE _prisma_migrations SET {column} WHERE id = %s"  # noqa: S608 - words of our own
        connection.execute(change.encode(), [ID.format(2)])
    assert "0 applied rows" in str(refused(shop, order(shop)))


def test_without_rows_or_statements_nothing_is_run(shop: Target) -> None:
    assert "named" in str(refused(shop, order(shop, rows=())))
    assert "named" in str(refused(shop, order(shop, ())))


def test_a_database_without_a_history_is_refused_in_words(shop: Target) -> None:
    told = order(shop)
    with client.connect(shop, "tests", autocommit=True) as connection:
        connection.execute("DROP TABLE _prisma_migrations")
    with pytest.raises(NothingChanged, match="_prisma_migrations"):
        runner.run(shop, told, Witness())


# --- it cannot leave its transaction ----------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        'DROP TABLE "Item"; COMMIT', 'DROP TABLE "Item"; COMMIT; BEGIN', "SELECT 1; SELECT 2",
        "DO $$ BEGIN COMMIT; END $$", "VACUUM", 'DROP INDEX CONCURRENTLY "Order_note_idx"',
    ],
)  # fmt: skip
def test_one_text_is_one_statement_inside_the_transaction(shop: Target, text: str) -> None:
    assert "Statement 2 failed" in str(refused(shop, order(shop, (DOWN[0], text))))


@pytest.mark.parametrize(
    "text", ["COMMIT", "COMMIT AND CHAIN", "ROLLBACK", "ROLLBACK AND CHAIN", "PREPARE TRANSACTION 'x'"]
)
def test_a_statement_that_ends_the_transaction_is_seen_at_once(shop: Target, text: str) -> None:
    """The parser refuses such a text long before; here it was let through."""
    watch = Witness()
    with pytest.raises((Escaped, NothingChanged)) as raised:
        runner.run(shop, order(shop, (DOWN[0], text, DOWN[2])), watch)
    assert "ran 2" not in watch.words
    if "PREPARE" not in text:  # which most servers, as this one, do not allow at all
        assert isinstance(raised.value, Escaped)
        assert str(raised.value).startswith("Statement 2 ended the transaction")
    assert ID.format(2) in state(shop).history


# --- others -----------------------------------------------------------------------------------------------
def test_a_prisma_that_is_under_way_is_not_disturbed(shop: Target) -> None:
    with client.connect(shop, "prisma", autocommit=True) as prisma:
        prisma.execute("SELECT pg_advisory_lock(%s)", [PRISMA_LOCK])
        said = refused(shop, order(shop))
    assert isinstance(said, Occupied)
    assert "holds Prisma's lock" in str(said)


def test_prisma_cannot_start_during_a_run(shop: Target) -> None:
    taken: list[object] = []

    def try_to_start(word: str) -> None:
        with client.connect(shop, "prisma", autocommit=True) as prisma:
            taken.append(prisma.execute("SELECT pg_try_advisory_lock(%s)", [PRISMA_LOCK]).fetchone())

    runner.run(shop, order(shop), Witness(try_to_start))
    assert taken == [(False,)] * 6
    try_to_start("afterwards")
    assert taken[-1] == (True,)


def test_a_prisma_without_its_lock_is_kept_out_by_its_table(shop: Target) -> None:
    told = order(shop)
    with client.connect(shop, "prisma") as prisma:
        prisma.execute("UPDATE _prisma_migrations SET logs = ''")
        began = time.monotonic()
        with pytest.raises(Occupied, match="holds _prisma_migrations"):
            runner.run(shop, told, Witness())
        assert time.monotonic() - began < 2
        prisma.rollback()


def test_who_is_in_the_way_is_shown_with_what_they_do(shop: Target) -> None:
    watch = Witness()
    with client.connect(shop, "a report") as other:
        pid = other.info.backend_pid
        other.execute('SELECT count(*) FROM "Order"')
        said = refused(shop, order(shop), watch)
        other.rollback()
    assert isinstance(said, Occupied)
    assert "waits 2" in watch.words
    assert [(who.pid, who.state) for who in watch.blockers] == [(pid, "idle in transaction")]
    assert watch.blockers[0].application == "rollback-portal a report"
    assert watch.blockers[0].query == 'SELECT count(*) FROM "Order"'
    assert 'SELECT count(*) FROM "Order"' in str(said)


def test_the_whole_transaction_is_tried_again_until_the_way_is_free(shop: Target) -> None:
    with client.connect(shop, "a report") as other:
        other.execute('SELECT count(*) FROM "Order"')
        watch = Witness(lambda word: other.rollback() if word == "waits 2" else None)
        done = runner.run(shop, order(shop, tries=9), watch)
    assert done.tries == 3
    assert watch.words.count("began") == 3
    assert watch.words.count("committing") == 1
    assert state(shop).history == (ID.format(1),)


@contextmanager
def readers(where: Target, tables: tuple[str, ...]) -> Iterator[dict[str, list[float]]]:
    """People who read each table all the time; how long each reading took."""
    over, waits = Event(), {table: list[float]() for table in tables}

    def read(table: str) -> None:
        with client.connect(where, "reader", autocommit=True) as connection:
            while not over.is_set():
                began = time.monotonic()
                connection.execute(SQL("SELECT count(*) FROM {}").format(Identifier(table)))
                waits[table].append(time.monotonic() - began)
                time.sleep(0.01)

    threads = [Thread(target=read, args=(table,)) for table in tables]
    for thread in threads:
        thread.start()
    try:
        yield waits
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_no_reader_waits_long_behind_a_run_that_waits(shop: Target) -> None:
    """A busy table that an open transaction holds for six seconds: nobody else is to stand still as long."""
    with client.connect(shop, "a report") as other:
        other.execute('SELECT count(*) FROM "Order"')
        freed = time.monotonic() + 6
        watch = Witness(lambda word: other.rollback() if time.monotonic() > freed else None)
        with readers(shop, ("Order",)) as waits:
            runner.run(shop, order(shop, ('ALTER TABLE "Order" DROP COLUMN note',), tries=40), watch)
    assert watch.words.count("began") > 5
    assert 0.1 < max(waits["Order"]) < LONGEST_WAIT


def test_many_locks_for_one_statement_share_one_patience(shop: Target, make_holders: Holders) -> None:
    """`lock_timeout` begins anew with each lock: four in a row would keep the first readers for 1 s."""
    names = tuple(f"t{number}" for number in range(5))
    with client.connect(shop, "tests", autocommit=True) as connection:
        for name in names:
            connection.execute(f"CREATE TABLE {name} (id int)".encode())
    told = order(shop, (f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE",), tries=1)
    with readers(shop, ("t0",)) as waits:
        make_holders(shop, names, every=0.25)
        with pytest.raises(Occupied):
            runner.run(shop, told, Witness())
    assert max(waits["t0"]) < LONGEST_WAIT


Holders = Callable[..., None]


@pytest.fixture
def make_holders() -> Iterator[Holders]:
    """Sessions that each hold a table and let go one after the other."""
    threads: list[Thread] = []

    def hold(where: Target, tables: tuple[str, ...], *, every: float) -> None:
        began, held = time.monotonic(), []
        for table in tables:
            connection = client.connect(where, "holder")
            connection.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE".encode())
            held.append(connection)
        began = time.monotonic()

        def let_go() -> None:
            for number, connection in enumerate(held, 1):
                time.sleep(max(0.0, began + number * every - time.monotonic()))
                connection.close()

        threads.append(Thread(target=let_go))
        threads[0].start()

    yield hold
    for thread in threads:
        thread.join()


# --- the password -----------------------------------------------------------------------------------------
def test_the_password_is_in_no_error_of_a_run(shop: Target) -> None:
    told = order(shop, (f"SELECT '{shop.password or 'geheim'}'::int",))
    said = refused(replace(shop, password=shop.password or "geheim"), told)
    assert 'invalid input syntax for type integer: "…"' in str(said)


def test_a_connection_that_is_cut_before_the_commit_changed_nothing(shop: Target) -> None:
    def cut(word: str) -> None:
        if word == "ran 2":
            assert watch.identity is not None
            with client.connect(shop, "tests", autocommit=True) as connection:
                connection.execute("SELECT pg_terminate_backend(%s)", [watch.identity.backend])

    watch = Witness(cut)
    assert "Everything was undone" in str(refused(shop, order(shop), watch))


def test_a_connection_that_is_cut_at_the_commit_is_unclear(shop: Target) -> None:
    def cut(word: str) -> None:
        if word == "committing":
            assert watch.identity is not None
            with client.connect(shop, "tests", autocommit=True) as connection:
                connection.execute("SELECT pg_terminate_backend(%s, 5000)", [watch.identity.backend])

    watch = Witness(cut)
    with pytest.raises(Unclear) as raised:
        runner.run(shop, order(shop), watch)
    assert raised.value.identity == watch.identity
