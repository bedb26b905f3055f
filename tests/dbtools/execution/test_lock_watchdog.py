"""The lock watchdog: who blocks a run is recorded, and a run blocks nobody for long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from dbtools.execution import runner
from dbtools.execution.run_spec import (
    Blocked,
    RunCanceled,
)
from dbtools.postgres import client
from dbtools.postgres.client import SQL, DatabaseAddress, Identifier
from rollback_portal.processes.supervised import wait_until
from tests.dbtools.execution.small_database import (
    DOWN,
    RecordingObserver,
    refused,
    spec,
)  # fmt: skip


def test_canceling_ends_a_running_statement(filled_shop: DatabaseAddress) -> None:
    observer, requested = RecordingObserver(), Event()

    def cancel_while_it_sleeps() -> bool:
        if "ran 1" in observer.events and is_sleeping(filled_shop):
            requested.set()
        return requested.is_set()

    observer.stopped = cancel_while_it_sleeps
    slow = (DOWN[0], "SELECT pg_sleep(3600)")
    assert isinstance(
        refused(filled_shop, spec(filled_shop, slow, statement_seconds=3600), observer), RunCanceled
    )


def is_sleeping(address: DatabaseAddress) -> bool:
    with client.connect(address, "tests") as connection:
        query = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = %s)"
        return connection.execute(query, [address.database]).fetchone() == (True,)


def test_blockers_are_reported_with_their_query(filled_shop: DatabaseAddress) -> None:
    observer = RecordingObserver()
    with client.connect(filled_shop, "a report") as other:
        pid = other.info.backend_pid
        other.execute('SELECT count(*) FROM "Order"')
        error = refused(filled_shop, spec(filled_shop), observer)
        other.rollback()
    assert isinstance(error, Blocked)
    assert "waits 2" in observer.events
    assert [(who.pid, who.state) for who in observer.blockers] == [(pid, "idle in transaction")]
    assert observer.blockers[0].application == "rollback-portal a report"
    assert observer.blockers[0].query == 'SELECT count(*) FROM "Order"'
    assert 'SELECT count(*) FROM "Order"' in str(error)


def test_readers_get_through_between_the_attempts_of_a_blocked_run(filled_shop: DatabaseAddress) -> None:
    """A report holds the table all the time; the run must not make others wait until the report ends."""
    with client.connect(filled_shop, "a report") as other, reader(filled_shop, "Order") as reads:
        other.execute('SELECT count(*) FROM "Order"')

        def wait_for_a_read(event: str) -> None:
            if event.startswith("waits"):
                before = len(reads)
                assert wait_until(lambda: len(reads) > before, 30)
            if event == "waits 6":
                other.rollback()

        observer = RecordingObserver(wait_for_a_read)
        runner.run(
            filled_shop, spec(filled_shop, ('ALTER TABLE "Order" DROP COLUMN note',), tries=40), observer
        )
    assert observer.events.count("began") > 6


@contextmanager
def reader(address: DatabaseAddress, table: str) -> Iterator[list[None]]:
    """A session that reads the table all the time; the list grows with each read."""
    over, reads = Event(), list[None]()

    def read() -> None:
        with client.connect(address, "reader", autocommit=True) as connection:
            while not over.wait(0.01):
                connection.execute(SQL("SELECT count(*) FROM {}").format(Identifier(table)))
                reads.append(None)

    thread = Thread(target=read)
    thread.start()
    try:
        yield reads
    finally:
        over.set()
        thread.join()


def test_many_locks_of_one_statement_share_one_time_limit(filled_shop: DatabaseAddress) -> None:
    """`lock_timeout` starts anew with each lock, and each of these waits is shorter than it.

    Without the watchdog the statement would get its last lock and the run would succeed.
    """
    names = tuple(f"t{number}" for number in range(5))
    with client.connect(filled_shop, "tests", autocommit=True) as connection:
        for name in names:
            connection.execute(f"CREATE TABLE {name} (id int)".encode())
    approved = spec(filled_shop, (f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE",), tries=1)
    with holders(filled_shop, names, every=0.25), pytest.raises(Blocked):
        runner.run(filled_shop, approved, RecordingObserver())


@contextmanager
def holders(address: DatabaseAddress, tables: tuple[str, ...], *, every: float) -> Iterator[None]:
    """Sessions that each lock a table and release it one after the other, `every` so many seconds."""
    connections = []
    for table in tables:
        connection = client.connect(address, "holder")
        connection.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE".encode())
        connections.append(connection)

    def release() -> None:
        for connection in connections:
            time.sleep(every)
            connection.close()

    thread = Thread(target=release)
    thread.start()
    try:
        yield
    finally:
        thread.join()
