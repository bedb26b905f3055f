"""A small database with a history to roll back, and somebody who follows the run."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dbtools.execution import runner
from dbtools.execution.run_spec import Blocker, HistoryRow, Identity, Order, Ran
from dbtools.postgres import catalog, client
from dbtools.postgres.client import Connection, Target
from dbtools.prisma import history
from dbtools.sandbox.shop import HISTORY

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


def fill(where: Target) -> None:
    """Two applied migrations, the newer of which is to go."""
    with client.connect(where, "tests", autocommit=True) as connection:
        connection.execute(HISTORY.encode())
        connection.execute(TABLES.encode())
        for number, name in enumerate(NAMES, 1):
            connection.execute(
                "INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, started_at,"
                " applied_steps_count) VALUES (%s, %s, now(), %s, now() + %s * interval '1 second', 1)",
                [ID.format(number), "0" * 64, name, number],
            )


def order(where: Target, statements: tuple[str, ...] = DOWN, **changes: Any) -> Order:
    """The run as it would be approved at this moment."""
    with client.connect(where, "tests") as connection:
        told = Order(
            id="7",
            statements=statements,
            rows=(HistoryRow(ID.format(2), NAMES[1]),),
            schema="public",
            schemas=("public",),
            fingerprint=catalog.read(connection, ("public",)).fingerprint,
            history=history.digest(history.read(connection, "public")),
            tries=2,
        )
    return replace(told, **changes)


@dataclass(frozen=True, slots=True)
class State:
    """All that a run could have changed."""

    schema: str
    rows: str
    history: tuple[str, ...]


def state(where: Target) -> State:
    """What stands in the database now: the schema, every row of every table, the history."""
    with client.connect(where, "tests") as connection:
        found = catalog.read(connection, ("public",))
        names = connection.execute(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r' AND relname <> '_prisma_migrations' ORDER BY 1"
        ).fetchall()
        rows = [content(connection, name) for (name,) in names]
        standing = tuple(sorted(row.id for row in history.read(connection, "public")))
    return State(found.fingerprint, hashlib.sha256(json.dumps(rows).encode()).hexdigest(), standing)


def content(connection: Connection, table: str) -> list[Any]:
    query = f"SELECT to_jsonb(t)::text FROM {table} t ORDER BY 1"  # noqa: S608 - a name of our own
    return [table, *connection.execute(query.encode()).fetchall()]


class Witness:
    """Follows a run; `at` is asked at every word of it, and may raise."""

    def __init__(self, at: Callable[[str], object] = lambda _: None) -> None:
        self.words: list[str] = []
        self.identity: Identity | None = None
        self.saved: tuple[Mapping[str, object], ...] = ()
        self.blockers: tuple[Blocker, ...] = ()
        self.stopped: Callable[[], bool] = lambda: False
        self._at = at

    def began(self, identity: Identity) -> None:
        self.identity = identity
        self._say("began")

    def ran(self, ran: Ran) -> None:
        self._say(f"ran {ran.number}")

    def deleted(self, rows: tuple[Mapping[str, object], ...]) -> None:
        self.saved = rows
        self._say("deleted")

    def waits(self, attempt: int, blockers: tuple[Blocker, ...]) -> None:
        self.blockers = blockers
        self._say(f"waits {attempt}")

    def committing(self, connection: Connection) -> None:
        self._say("committing")

    def stop(self) -> bool:
        return self.stopped()

    def _say(self, word: str) -> None:
        self.words.append(word)
        self._at(word)


def refill(where: Target) -> None:
    """Back to the beginning."""
    with client.connect(where, "tests", autocommit=True) as connection:
        connection.execute("SET client_min_messages = error")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    fill(where)


def ended(where: Target) -> State:
    """What stands after a run that went through; afterwards everything is as before."""
    runner.run(where, order(where), Witness())
    found = state(where)
    refill(where)
    return found


def locks_after(where: Target, number: str, seconds: float = 2.0) -> list[tuple[object, ...]]:
    """What a run still holds when so much time has passed; [] as soon as it holds nothing."""
    deadline = time.monotonic() + seconds
    with client.connect(where, "tests", autocommit=True) as connection:
        while left := connection.execute(HELD, [client.session_name(f"run {number}")]).fetchall():
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
    return left


HELD = """
SELECT l.locktype, l.mode FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE a.application_name = %s AND a.datname = current_database() AND l.granted
"""
