"""A small database with a history to roll back, and an observer of the run."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from dbtools.execution import runner
from dbtools.execution.run_spec import (
    PRISMA_LOCK,
    Blocker,
    ExecutedStatement,
    Identity,
    NothingChanged,
    RowToDelete,
    RunSpec,
)
from dbtools.postgres import client
from dbtools.postgres import state as database_state
from dbtools.postgres.client import Connection, DatabaseAddress
from dbtools.postgres.state import DatabaseState
from dbtools.prisma import history
from dbtools.sandbox.shop import HISTORY
from rollback_portal.processes.supervised import wait_until

ID = "00000000-0000-4000-8000-00000000000{}"
NAMES = ("20260101000000_init", "20260102000000_add_note")
TABLES = """
CREATE TABLE "Order" (id int PRIMARY KEY, price int NOT NULL, note text);
CREATE TABLE "Item" (id int PRIMARY KEY, "orderId" int NOT NULL REFERENCES "Order" (id));
CREATE INDEX "Order_note_idx" ON "Order" (note);
INSERT INTO "Order" SELECT n, n * 3, 'note ' || n FROM generate_series(1, 200) n;
INSERT INTO "Item" SELECT n, n FROM generate_series(1, 200) n;
"""
DOWN = (
    'UPDATE "Order" SET price = price + 1',
    'ALTER TABLE "Order" DROP COLUMN note',
    'DROP TABLE "Item"',
)
CONCURRENTLY = ('DROP INDEX CONCURRENTLY "Order_note_idx"',)


def fill(address: DatabaseAddress) -> None:
    """Two applied migrations, the newer of which is rolled back."""
    with client.connect(address, "tests", autocommit=True) as connection:
        connection.execute(HISTORY.encode())
        connection.execute(TABLES.encode())
        for number, name in enumerate(NAMES, 1):
            connection.execute(
                "INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, started_at,"
                " applied_steps_count) VALUES (%s, %s, now(), %s, now() + %s * interval '1 second', 1)",
                [ID.format(number), "0" * 64, name, number],
            )


def spec(address: DatabaseAddress, statements: tuple[str, ...] = DOWN, **changes: Any) -> RunSpec:
    """The run as it would be approved now."""
    with client.connect(address, "tests", settings=client.read_only(60)) as connection:
        approved = RunSpec(
            id="7",
            statements=statements,
            rows=(RowToDelete(ID.format(2), NAMES[1]),),
            schema="public",
            schemas=("public",),
            fingerprint=database_state.read(connection, ("public",)).fingerprint,
            history=history.digest(history.read(connection, "public")),
            tries=2,
        )
    return replace(approved, **changes)


@dataclass(frozen=True, slots=True)
class State:
    """Everything that a run can change."""

    schema: str
    rows: str
    history: tuple[str, ...]


def state(address: DatabaseAddress) -> State:
    """The schema, every row of every table, and the history."""
    with client.connect(address, "tests") as connection:
        schema = database_state.read(connection, ("public",)).fingerprint
        names = connection.execute(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r' AND relname <> '_prisma_migrations' ORDER BY 1"
        ).fetchall()
        rows = [content(connection, name) for (name,) in names]
        history_ids = tuple(sorted(row.id for row in history.read(connection, "public")))
    return State(schema, hashlib.sha256(json.dumps(rows).encode()).hexdigest(), history_ids)


def content(connection: Connection, table: str) -> list[Any]:
    query = f"SELECT to_jsonb(t)::text FROM {table} t ORDER BY 1"  # noqa: S608 - our own name
    return [table, *connection.execute(query.encode()).fetchall()]


class RecordingObserver:
    """Records the events of a run; `at` is called with each one and may raise."""

    def __init__(self, at: Callable[[str], object] = lambda _: None) -> None:
        self.events: list[str] = []
        self.identity: Identity | None = None
        self.saved: tuple[Mapping[str, object], ...] = ()
        self.blockers: tuple[Blocker, ...] = ()
        self.stopped: Callable[[], bool] = lambda: False
        self._at = at

    def began(self, identity: Identity) -> None:
        self.identity = identity
        self._record("began")

    def ran(self, ran: ExecutedStatement) -> None:
        self._record(f"ran {ran.number}")

    def deleted(self, rows: tuple[Mapping[str, object], ...]) -> None:
        self.saved = rows
        self._record("deleted")

    def waits(self, attempt: int, blockers: tuple[Blocker, ...]) -> None:
        self.blockers = blockers
        self._record(f"waits {attempt}")

    def committing(self, connection: Connection, after: DatabaseState) -> None:
        self._record("committing")

    def stop(self) -> bool:
        return self.stopped()

    def _record(self, event: str) -> None:
        self.events.append(event)
        self._at(event)


def refused(
    address: DatabaseAddress, approved: RunSpec, observer: RecordingObserver | None = None
) -> NothingChanged:
    """Run it, expect it to be refused with everything as before, and return the error."""
    before = state(address)
    with pytest.raises(NothingChanged) as raised:
        runner.run(address, approved, observer or RecordingObserver())
    assert state(address) == before
    assert_no_session_left(address)
    return raised.value


def assert_no_session_left(address: DatabaseAddress) -> None:
    with client.connect(address, "tests", autocommit=True) as connection:
        assert wait_until(lambda: connection.execute(SESSIONS).fetchall() == [], 30)


SESSIONS = """
SELECT pid, state FROM pg_stat_activity WHERE datname = current_database()
AND application_name ~ '^rollback-portal (run|lock watchdog)'
"""


class PrismaStarts:
    """Tries to take Prisma's own lock at each event of a run, as `prisma migrate deploy` does."""

    def __init__(self, address: DatabaseAddress) -> None:
        self.took_lock: list[bool] = []
        self._address = address

    def __call__(self, event: str) -> None:
        with client.connect(self._address, "prisma", autocommit=True) as prisma:
            row = prisma.execute("SELECT pg_try_advisory_lock(%s)", [PRISMA_LOCK]).fetchone()
        assert row is not None
        self.took_lock.append(row[0])


def refill(address: DatabaseAddress) -> None:
    """Restore the initial state."""
    with client.connect(address, "tests", autocommit=True) as connection:
        connection.execute("SET client_min_messages = error")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public AUTHORIZATION pg_database_owner")
        connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
    fill(address)


def ended(address: DatabaseAddress) -> State:
    """The state after a successful run; then restore the initial state."""
    runner.run(address, spec(address), RecordingObserver())
    after = state(address)
    refill(address)
    return after


def locks_after(address: DatabaseAddress, number: str, seconds: float = 30.0) -> list[tuple[object, ...]]:
    """The locks that a run still holds after so many seconds; [] as soon as it holds none."""
    deadline = time.monotonic() + seconds
    with client.connect(address, "tests", autocommit=True) as connection:
        while left := connection.execute(HELD, [client.session_name(f"run {number}")]).fetchall():
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
    return left


HELD = """
SELECT l.locktype, l.mode FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE a.application_name = %s AND a.datname = current_database() AND l.granted
"""
