"""Runs an approved script: one connection, one transaction, all or nothing.

The rehearsal and the run itself go through here, so that what was rehearsed is what runs. First Prisma's own
lock and a lock on its history, then the question whether the database still is what was approved, then
statement by statement, then the history rows, then the commit. Waiting for a lock is kept so short that
nobody who reads the tables is held up for long; the whole transaction is tried again instead.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from dbtools.execution.concurrent_index import run_alone
from dbtools.execution.lock_watchdog import Lookout
from dbtools.execution.run_spec import (
    READERS_WAIT,
    UNDONE,
    Canceled,
    Done,
    Escaped,
    Identity,
    NothingChanged,
    Occupied,
    Order,
    Ran,
    Unclear,
    Watch,
)
from dbtools.execution.transaction import (
    SESSION,
    check_history,
    check_schema,
    delete_rows,
    hold_history,
    identify,
    notice_death,
    patience,
    settle,
    words,
)
from dbtools.postgres import client
from dbtools.postgres.client import INTRANS, Busy, Connection, Error, Interrupted, Target, harmless, refused

LEAST_WAIT = 0.02  # seconds for a further lock once the patience of others is used up
PAUSE = (1.0, 2.0)  # seconds between two tries


def run(where: Target, order: Order, watch: Watch) -> Done:
    """Run it, or leave the database exactly as it was.

    Raises:
        NothingChanged: it did not run, for the reason that it says; `Occupied` where later may be better.
        Unclear: nobody can tell yet whether it was committed; `resolution.resolve` finds out.
        Escaped: a part of it stays; a person has to look.
        target.Unreachable: the database did not let us in; nothing was changed.
    """
    if not order.rows or not order.statements:
        raise NothingChanged("No history row or no statement was named, so nothing was run.")
    if order.alone:
        return run_alone(where, order, watch)
    began = time.monotonic()
    last = ""
    for attempt in range(1, order.tries + 1):
        if watch.stop():
            raise Canceled("Canceled before anything was changed.")
        with Lookout(where, order.id, watch.stop) as lookout:
            try:
                identity, ran, deleted = _attempt(where, order, watch, lookout)
                return Done(identity, ran, deleted, time.monotonic() - began, attempt)
            except (*Busy, _WaitedLongEnough):
                pass
        watch.waits(attempt, lookout.seen)
        last = f" Last seen: {lookout.seen[0].message}" if lookout.seen else ""
        if attempt < order.tries:
            time.sleep(random.uniform(*PAUSE))  # noqa: S311 - so that two do not wait in step
    raise Occupied(
        harmless(
            f"Others held what the run needs in each of {order.tries} tries. Nothing was changed.{last}",
            where,
        )
    )


Outcome = tuple[Identity, tuple[Ran, ...], tuple[Mapping[str, object], ...]]


class _WaitedLongEnough(Exception):
    """The lookout ended the statement, because others had waited behind it for long enough."""


def _attempt(where: Target, order: Order, watch: Watch, lookout: Lookout) -> Outcome:
    connection = client.connect(where, f"run {order.id}", settings=SESSION)
    try:
        notice_death(connection)
        lookout.watch(connection.info.backend_pid)
        return _Attempt(where, order, watch, lookout, connection).run()
    except Busy:
        raise
    except Interrupted as error:
        raise _why_interrupted(error, lookout, watch) from error
    except Error as error:
        raise NothingChanged(harmless(f"{words(error)} {UNDONE}", where)) from error
    finally:
        with suppress(Error):
            connection.close()


def _why_interrupted(error: Interrupted, lookout: Lookout, watch: Watch) -> Exception:
    if not lookout.ended:
        return NothingChanged(f"{words(error)} {UNDONE}")
    if watch.stop():
        return Canceled(f"Canceled while it worked. {UNDONE}")
    return _WaitedLongEnough()


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One transaction, from its first word to its last."""

    where: Target
    order: Order
    watch: Watch
    lookout: Lookout
    connection: Connection

    def run(self) -> Outcome:
        connection, order, watch = self.connection, self.order, self.watch
        settle(connection, order)
        hold_history(connection, order)
        check_history(connection, order)
        check_schema(connection, order)
        identity = identify(connection)
        watch.began(identity)
        ran = self.statements(identity)
        deleted = delete_rows(connection, order)
        watch.deleted(deleted)
        self.lookout.stand_down()
        if watch.stop():
            raise Canceled(f"Canceled before the commit. {UNDONE}")
        watch.committing(connection)
        self.commit(identity)
        return identity, ran, deleted

    def statements(self, identity: Identity) -> tuple[Ran, ...]:
        ran: list[Ran] = []
        first = time.monotonic()
        for number, statement in enumerate(self.order.statements, 1):
            if self.watch.stop():
                raise Canceled(f"Canceled before statement {number}. {UNDONE}")
            patience(self.connection, max(LEAST_WAIT, READERS_WAIT - (time.monotonic() - first)))
            ran.append(self.one(number, statement, identity))
            self.watch.ran(ran[-1])
        self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what fails, fails before the commit
        return tuple(ran)

    def one(self, number: int, statement: str, identity: Identity) -> Ran:
        """Exactly one statement: the extended protocol refuses a second one."""
        began = time.monotonic()
        try:
            cursor = self.connection.execute(statement.encode(), binary=True)
        except Busy:
            raise
        except Error as error:
            if isinstance(error, Interrupted) and self.lookout.ended:
                raise
            said = f"Statement {number} failed: {words(error)} {UNDONE}"
            raise NothingChanged(harmless(said, self.where)) from error
        self.still_inside(number, identity)
        return Ran(number, cursor.rowcount, time.monotonic() - began)

    def still_inside(self, number: int, identity: Identity) -> None:
        row = None
        if self.connection.info.transaction_status == INTRANS:
            row = self.connection.execute("SELECT pg_current_xact_id()::text").fetchone()
        if row is None or row[0] != identity.xid:
            raise Escaped(
                f"Statement {number} ended the transaction that it ran in. What it committed has stayed: "
                "the database has to be looked at."
            )

    def commit(self, identity: Identity) -> None:
        """From the first byte of COMMIT on, only the server knows.

        Raises:
            NothingChanged: the server refused it in words; it was undone.
            Unclear: no answer came, so nobody knows yet.
        """
        try:
            said = self.connection.execute("COMMIT").statusmessage
        except Error as error:
            if not refused(error):
                raise Unclear(identity, harmless(str(error), self.where)) from error
            why = f"The server refused the commit: {words(error)} {UNDONE}"
            raise NothingChanged(harmless(why, self.where)) from error
        if said != "COMMIT":
            raise NothingChanged(f"The server answered the commit with {said}. {UNDONE}")
