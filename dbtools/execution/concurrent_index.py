"""Runs the one statement that PostgreSQL allows in no transaction: CREATE or DROP INDEX CONCURRENTLY.

It cannot be undone together with the history row, so there are two steps: the statement, then one transaction
that takes the row out. What happens between them is never called "nothing changed"; a person is shown it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from dbtools.execution.lock_watchdog import Lookout
from dbtools.execution.run_spec import (
    PRISMA_LOCK,
    UNDONE,
    UNTOUCHED,
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
    server,
    settle,
    words,
)
from dbtools.postgres import catalog, client
from dbtools.postgres.client import SQL, Busy, Connection, Error, Identifier, Target, harmless, refused

PATIENCE = 30.0  # seconds for one lock; a CONCURRENTLY that waits keeps neither readers nor writers waiting
PAUSE = (0.2, 0.5)  # seconds between two tries to take the history row out
INVALID = """
SELECT format('%%I.%%I', n.nspname, c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%s) AND NOT (i.indisvalid AND i.indisready AND i.indislive) ORDER BY 1
"""


def run_alone(where: Target, order: Order, watch: Watch) -> Done:
    """Run it on a connection of its own, under Prisma's lock from beginning to end.

    Raises:
        NothingChanged: it did not run, and the database is as it was.
        Escaped: the statement did something, but the run is not complete; it says what stands now.
        Unclear: the connection was lost; `resolution.resolve` finds out.
        target.Unreachable: the database did not let us in; nothing was changed.
    """
    if len(order.statements) != 1:
        raise NothingChanged(f"Outside a transaction exactly one statement can be run. {UNTOUCHED}")
    if watch.stop():
        raise Canceled("Canceled before anything was changed.")
    connection = client.connect(where, f"run {order.id}", autocommit=True, settings=SESSION)
    try:
        with Lookout(where, order.id) as lookout:
            lookout.watch(connection.info.backend_pid)
            return _Alone(where, order, watch, lookout, connection).run()
    finally:
        with suppress(Error):
            connection.close()


@dataclass(frozen=True, slots=True)
class _Alone:
    where: Target
    order: Order
    watch: Watch
    lookout: Lookout
    connection: Connection

    def run(self) -> Done:
        began = time.monotonic()
        before, useless = self.prepare()
        self.watch.began(before)
        if self.watch.stop():
            raise Canceled("Canceled before anything was changed.")
        ran = self.statement(before, useless)
        self.watch.ran(ran)
        identity, deleted, tries = self.take_rows_out(before)
        left = self.invalid_after()
        return Done(identity, (ran,), deleted, time.monotonic() - began, tries, left)

    def prepare(self) -> tuple[Identity, tuple[str, ...]]:
        """Prisma's lock for the session, the look at the world, and which indexes are INVALID already."""
        connection, order = self.connection, self.order
        try:
            notice_death(connection)
            held = connection.execute("SELECT pg_try_advisory_lock(%s)", [PRISMA_LOCK]).fetchone()
            if not held or not held[0]:
                raise Occupied(f"A `prisma migrate` is under way: it holds Prisma's lock. {UNTOUCHED}")
            with connection.transaction():
                settle(connection, order)
                hold_history(connection, order)
                check_history(connection, order)
                check_schema(connection, order)
            self.set_session()
            useless = invalid(connection, order.schemas)
            return Identity("", *server(connection), connection.info.backend_pid), useless
        except Error as error:
            raise NothingChanged(harmless(f"{words(error)} {UNTOUCHED}", self.where)) from error

    def set_session(self) -> None:
        order = self.order
        self.connection.execute(SQL("SET search_path = {}").format(Identifier(order.schema)))
        for name, seconds in (("lock_timeout", PATIENCE), ("statement_timeout", order.statement_seconds)):
            self.connection.execute("SELECT set_config(%s, %s, false)", [name, f"{seconds * 1000:.0f}ms"])

    def statement(self, identity: Identity, useless: tuple[str, ...]) -> Ran:
        began = time.monotonic()
        try:
            self.connection.execute(self.order.statements[0].encode(), binary=True)
        except Error as error:
            if not refused(error):
                raise Unclear(identity, harmless(str(error), self.where)) from error
            raise self.what_stands(error, useless) from error
        return Ran(1, -1, time.monotonic() - began)

    def what_stands(self, error: Error, useless: tuple[str, ...]) -> Exception:
        """A CONCURRENTLY that fails half-way leaves an index behind that nobody can use."""
        said = harmless(f"The statement failed: {words(error)}", self.where)
        try:
            same = self.fingerprint() == self.order.fingerprint
            now = invalid(self.connection, self.order.schemas)
        except Error as second:
            return Escaped(
                f"{said} What it left behind could not be looked at: {harmless(str(second), self.where)}"
            )
        left = [name for name in now if name not in useless]
        if not same or left:
            what = f"It left {', '.join(left)} INVALID" if left else "The schema is not what it was before"
            return Escaped(
                f"{said} {what}; the history still has its row. Drop an INVALID index with "
                "DROP INDEX CONCURRENTLY, or repair it with REINDEX INDEX CONCURRENTLY."
            )
        if isinstance(error, Busy):
            seen = f" Last seen: {self.lookout.seen[0].message}" if self.lookout.seen else ""
            return Occupied(harmless(f"{said} {UNTOUCHED}{seen}", self.where))
        return NothingChanged(f"{said} {UNTOUCHED}")

    def fingerprint(self) -> str:
        return catalog.read(self.connection, self.order.schemas).fingerprint

    def take_rows_out(self, before: Identity) -> tuple[Identity, tuple[Mapping[str, object], ...], int]:
        """One transaction. From here on the statement stays, so whatever goes wrong says so."""
        for attempt in range(1, self.order.tries + 1):
            try:
                identity, deleted = self.rows_gone()
            except (Occupied, *Busy) as error:
                self.roll_back()
                self.watch.waits(attempt, self.lookout.seen)
                self.watch.began(before)
                last: Exception = error
                if attempt < self.order.tries:
                    time.sleep(random.uniform(*PAUSE))  # noqa: S311 - so that two do not wait in step
            except (NothingChanged, Error) as error:
                raise self.half_done(error) from error
            else:
                self.commit(identity)
                return identity, deleted, attempt
        raise self.half_done(last)

    def rows_gone(self) -> tuple[Identity, tuple[Mapping[str, object], ...]]:
        connection, order, watch = self.connection, self.order, self.watch
        connection.execute("BEGIN")
        settle(connection, order)
        hold_history(connection, order)
        check_history(connection, order)
        identity = identify(connection)
        watch.began(identity)
        deleted = delete_rows(connection, order)
        watch.deleted(deleted)
        watch.committing(connection)
        return identity, deleted

    def commit(self, identity: Identity) -> None:
        try:
            said = self.connection.execute("COMMIT").statusmessage
        except Error as error:
            if not refused(error):
                raise Unclear(identity, harmless(str(error), self.where)) from error
            raise self.half_done(error) from error
        if said != "COMMIT":
            raise self.half_done(NothingChanged(f"The server answered the commit with {said}."))

    def roll_back(self) -> None:
        with suppress(Error):
            self.connection.execute("ROLLBACK")

    def half_done(self, error: Exception) -> Escaped:
        self.roll_back()
        why = words(error) if isinstance(error, Error) else str(error)
        why = why.removesuffix(UNTOUCHED).removesuffix(UNDONE).strip()
        return Escaped(
            harmless(
                "The statement ran and stays, but the history row was not taken out: "
                f"{why} The history still says that the migration is applied.",
                self.where,
            )
        )

    def invalid_after(self) -> tuple[str, ...]:
        """The run is done; that nobody could look any more does not change it."""
        try:
            return invalid(self.connection, self.order.schemas)
        except Error as error:
            return (f"not known: {harmless(words(error), self.where)}",)


def invalid(connection: Connection, schemas: Sequence[str]) -> tuple[str, ...]:
    """Indexes that a CONCURRENTLY left behind unusable."""
    return tuple(name for (name,) in connection.execute(INVALID, [list(schemas)]).fetchall())
