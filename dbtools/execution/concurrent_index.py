"""Runs CREATE and DROP INDEX CONCURRENTLY, which PostgreSQL does not allow inside a transaction.

The statements cannot be rolled back together with the history row, so there are several steps: one statement
after the other, each committed by itself, then a transaction that deletes the row. A failure after the first
is never reported as "nothing changed"; a person is shown what stands.

Reference: https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from dbtools.execution.lock_watchdog import LockWatchdog
from dbtools.execution.run_spec import (
    PRISMA_LOCK,
    UNDONE,
    UNTOUCHED,
    Blocked,
    CommittedRun,
    CommitUnknown,
    ExecutedStatement,
    Identity,
    NothingChanged,
    PartiallyApplied,
    RunCanceled,
    RunObserver,
    RunSpec,
)
from dbtools.execution.transaction import (
    SESSION,
    apply_settings,
    check_change,
    check_history,
    check_state,
    check_target,
    commit,
    delete_rows,
    detect_dead_client,
    error_text,
    identify_transaction,
    lock_history,
    server_identity,
)
from dbtools.postgres import client, state
from dbtools.postgres.client import (
    SQL,
    Busy,
    Connection,
    DatabaseAddress,
    Error,
    Identifier,
    redact,
    server_refused,
)
from dbtools.postgres.state import DatabaseState

LOCK_SECONDS = 30.0  # per lock; a waiting CONCURRENTLY blocks neither readers nor writers
PAUSE = (0.2, 0.5)  # seconds between two attempts to delete the history row
INVALID = """
SELECT format('%%I.%%I', n.nspname, c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%s) AND NOT (i.indisvalid AND i.indisready AND i.indislive) ORDER BY 1
"""


def run_outside_transaction(address: DatabaseAddress, spec: RunSpec, observer: RunObserver) -> CommittedRun:
    """Run it on one connection, which holds Prisma's lock throughout.

    Raises:
        NothingChanged: it did not run, and the database is as it was.
        PartiallyApplied: the statement had an effect, but the run is incomplete; `str()` gives details.
        CommitUnknown: the connection was lost; `commit_outcome.find_outcome` finds out.
        client.DatabaseUnreachable: no connection; nothing was changed.
    """
    if observer.stop():
        raise RunCanceled("Canceled before anything was changed.")
    connection = client.connect(address, f"run {spec.id}", autocommit=True, settings=SESSION)
    try:
        with LockWatchdog(address, spec.id) as watchdog:
            watchdog.start(connection.info.backend_pid)
            return _ConcurrentIndexRun(address, spec, observer, watchdog, connection).run()
    finally:
        with suppress(Error):
            connection.close()


@dataclass(frozen=True, slots=True)
class _ConcurrentIndexRun:
    address: DatabaseAddress
    spec: RunSpec
    observer: RunObserver
    watchdog: LockWatchdog
    connection: Connection

    def run(self) -> CommittedRun:
        began = time.monotonic()
        before, state_before, already_invalid = self.prepare()
        self.observer.began(before)
        if self.observer.stop():
            raise RunCanceled("Canceled before anything was changed.")
        ran = self.execute_all(before, already_invalid)
        after = self.state_after(state_before)
        identity, deleted, tries = self.delete_history_rows(before, after)
        left = self.invalid_indexes_after()
        seconds = time.monotonic() - began
        return CommittedRun(identity, ran, deleted, seconds, tries, left, state_before, after)

    def execute_all(
        self, before: Identity, already_invalid: tuple[str, ...]
    ) -> tuple[ExecutedStatement, ...]:
        """Execute one statement after the other; the first error, or a cancel, leaves the rest undone."""
        ran: list[ExecutedStatement] = []
        for number in range(1, len(self.spec.statements) + 1):
            if ran and self.observer.stop():
                raise PartiallyApplied(
                    f"Canceled before statement {number}. {self.stays(number)} "
                    "The history still says that the migration is applied."
                )
            ran.append(self.statement(number, before, already_invalid))
            self.observer.ran(ran[-1])
        return tuple(ran)

    def stays(self, number: int) -> str:
        """What ran before this statement, and cannot be undone."""
        if number == 1:
            return ""
        return "Statement 1 ran and stays." if number == 2 else f"Statements 1 to {number - 1} ran and stay."

    def state_after(self, before: DatabaseState) -> DatabaseState:
        """What the statements left, which has to be what they left in the rehearsal."""
        try:
            with self.connection.transaction():
                return check_change(self.connection, self.spec, before)
        except (NothingChanged, Error) as error:
            raise self.partially_applied(error) from error

    def prepare(self) -> tuple[Identity, DatabaseState, tuple[str, ...]]:
        """Take Prisma's lock for the session, check the preconditions, and list indexes already INVALID."""
        connection, spec = self.connection, self.spec
        try:
            detect_dead_client(connection)
            check_target(connection, self.address, spec)
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", [PRISMA_LOCK]).fetchone()
            if not row or not row[0]:
                raise Blocked(f"A prisma migrate is under way: it holds Prisma's lock. {UNTOUCHED}")
            with connection.transaction():
                apply_settings(connection, spec)
                lock_history(connection, spec)
                check_history(connection, spec)
                before = check_state(connection, spec)
            self.set_session_settings()
            already_invalid = invalid_indexes(connection, spec.schemas)
            identity = Identity("", *server_identity(connection), connection.info.backend_pid)
            return identity, before, already_invalid
        except Error as error:
            raise NothingChanged(redact(f"{error_text(error)} {UNTOUCHED}", self.address)) from error

    def set_session_settings(self) -> None:
        spec = self.spec
        self.connection.execute(SQL("SET search_path = {}").format(Identifier(spec.schema)))
        for name, seconds in (("lock_timeout", LOCK_SECONDS), ("statement_timeout", spec.statement_seconds)):
            self.connection.execute("SELECT set_config(%s, %s, false)", [name, f"{seconds * 1000:.0f}ms"])

    def statement(
        self, number: int, identity: Identity, already_invalid: tuple[str, ...]
    ) -> ExecutedStatement:
        began = time.monotonic()
        try:
            self.connection.execute(self.spec.statements[number - 1].encode(), binary=True)
        except Error as error:
            if not server_refused(error):
                raise CommitUnknown(identity, redact(str(error), self.address)) from error
            raise self.explain_failure(number, error, already_invalid) from error
        return ExecutedStatement(number, -1, time.monotonic() - began)

    def explain_failure(self, number: int, error: Error, already_invalid: tuple[str, ...]) -> Exception:
        """Say what a failed CONCURRENTLY left behind: often an INVALID index that nothing can use."""
        which = "The statement" if len(self.spec.statements) == 1 else f"Statement {number}"
        message = redact(f"{which} failed: {error_text(error)} {self.stays(number)}".strip(), self.address)
        try:
            same = self.fingerprint() == self.spec.fingerprint
            now = invalid_indexes(self.connection, self.spec.schemas)
        except Error as second:
            return PartiallyApplied(
                f"{message} What it left behind could not be looked at: {redact(str(second), self.address)}"
            )
        left = [name for name in now if name not in already_invalid]
        if not same or left or number > 1:
            what = "It left nothing itself" if same else "The schema is not what it was before"
            what = f"It left {', '.join(left)} INVALID" if left else what
            return PartiallyApplied(
                f"{message} {what}; the history still has its row. Drop an INVALID index with "
                "DROP INDEX CONCURRENTLY, or repair it with REINDEX INDEX CONCURRENTLY."
            )
        if isinstance(error, Busy):
            seen = f" Last seen: {self.watchdog.seen[0].message}" if self.watchdog.seen else ""
            return Blocked(redact(f"{message} {UNTOUCHED}{seen}", self.address))
        return NothingChanged(f"{message} {UNTOUCHED}")

    def fingerprint(self) -> str:
        return state.read(self.connection, self.spec.schemas).fingerprint

    def delete_history_rows(
        self, before: Identity, after: DatabaseState
    ) -> tuple[Identity, tuple[Mapping[str, object], ...], int]:
        """Delete the rows in one transaction. The statement stays, so every failure from here on says so."""
        for attempt in range(1, self.spec.tries + 1):
            try:
                identity, deleted = self.delete_in_transaction(after)
            except (Blocked, *Busy) as error:
                self.roll_back()
                self.observer.waits(attempt, self.watchdog.seen)
                self.observer.began(before)
                last: Exception = error
                if attempt < self.spec.tries:
                    time.sleep(random.uniform(*PAUSE))  # noqa: S311 - two runs must not retry in step
            except (NothingChanged, Error) as error:
                raise self.partially_applied(error) from error
            else:
                self.commit(identity)
                return identity, deleted, attempt
        raise self.partially_applied(last)

    def delete_in_transaction(
        self, after: DatabaseState
    ) -> tuple[Identity, tuple[Mapping[str, object], ...]]:
        connection, spec, observer = self.connection, self.spec, self.observer
        connection.execute("BEGIN")
        apply_settings(connection, spec)
        lock_history(connection, spec)
        check_history(connection, spec)
        identity = identify_transaction(connection)
        observer.began(identity)
        deleted = delete_rows(connection, spec)
        observer.deleted(deleted)
        observer.committing(connection, after)
        return identity, deleted

    def commit(self, identity: Identity) -> None:
        try:
            commit(self.connection, identity, self.address)
        except NothingChanged as error:
            raise self.partially_applied(error) from error

    def roll_back(self) -> None:
        with suppress(Error):
            self.connection.execute("ROLLBACK")

    def partially_applied(self, error: Exception) -> PartiallyApplied:
        self.roll_back()
        reason = error_text(error) if isinstance(error, Error) else str(error)
        reason = reason.removesuffix(UNTOUCHED).removesuffix(UNDONE).strip()
        single = len(self.spec.statements) == 1
        what = "The statement" if single else f"All {len(self.spec.statements)} statements"
        return PartiallyApplied(
            redact(
                f"{what} ran and {'stays' if single else 'stay'}, but the history row was not taken out: "
                f"{reason} The history still says that the migration is applied.",
                self.address,
            )
        )

    def invalid_indexes_after(self) -> tuple[str, ...]:
        """Listing them is informative only: if it fails, the run is done all the same."""
        try:
            return invalid_indexes(self.connection, self.spec.schemas)
        except Error as error:
            return (f"not known: {redact(error_text(error), self.address)}",)


def invalid_indexes(connection: Connection, schemas: Sequence[str]) -> tuple[str, ...]:
    """Names of the indexes that a failed CONCURRENTLY left behind INVALID."""
    return tuple(name for (name,) in connection.execute(INVALID, [list(schemas)]).fetchall())
