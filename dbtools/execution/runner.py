"""Runs an approved script in one transaction: all or nothing.

The rehearsal uses the same code, so that what was rehearsed is what runs. A run takes Prisma's lock and a
lock on its history, checks that history and schema are still the approved ones, executes the statements,
deletes the history rows and commits. It waits for a lock only briefly, because a waiting lock request blocks
all later readers of the table; instead the whole transaction is retried.
"""

from __future__ import annotations

import random
import time
from contextlib import suppress
from dataclasses import dataclass, replace

from dbtools.execution.concurrent_index import run_outside_transaction
from dbtools.execution.lock_watchdog import LockWatchdog
from dbtools.execution.run_spec import (
    LOCK_WAIT_SECONDS,
    UNDONE,
    Blocked,
    CommittedRun,
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
    set_lock_timeout,
)
from dbtools.postgres import client
from dbtools.postgres.client import (
    INTRANS,
    Busy,
    Connection,
    DatabaseAddress,
    Error,
    Interrupted,
    redact,
)

LEAST_LOCK_WAIT = 0.02  # seconds for each further lock once LOCK_WAIT_SECONDS are used up
PAUSE = (1.0, 2.0)  # seconds between two attempts


def run(address: DatabaseAddress, spec: RunSpec, observer: RunObserver) -> CommittedRun:
    """Run it, or leave the database exactly as it was.

    Raises:
        NothingChanged: it did not run; as `Blocked` if a later attempt may succeed.
        CommitUnknown: whether it was committed is unknown; `commit_outcome.find_outcome` finds out.
        PartiallyApplied: part of it stayed; a person has to look.
        client.DatabaseUnreachable: no connection; nothing was changed.
    """
    if not spec.rows or not spec.statements:
        raise NothingChanged("No history row or no statement was named, so nothing was run.")
    if spec.outside_transaction:
        return run_outside_transaction(address, spec, observer)
    began = time.monotonic()
    last_seen = ""
    for attempt in range(1, spec.tries + 1):
        if observer.stop():
            raise RunCanceled("Canceled before anything was changed.")
        with LockWatchdog(address, spec.id, observer.stop) as watchdog:
            try:
                done = _attempt(address, spec, observer, watchdog)
                return replace(done, seconds=time.monotonic() - began, tries=attempt)
            except (*Busy, _WaitLimitReached):
                pass
        observer.waits(attempt, watchdog.seen)
        last_seen = f" Last seen: {watchdog.seen[0].message}" if watchdog.seen else ""
        if attempt < spec.tries:
            time.sleep(random.uniform(*PAUSE))  # noqa: S311 - two runs must not retry in step
    raise Blocked(
        redact(
            f"Others held what the run needs in each of {spec.tries} tries. Nothing was changed.{last_seen}",
            address,
        )
    )


class _WaitLimitReached(Exception):
    """The watchdog canceled the statement because the run had waited for locks for too long in total."""


def _attempt(
    address: DatabaseAddress, spec: RunSpec, observer: RunObserver, watchdog: LockWatchdog
) -> CommittedRun:
    connection = client.connect(address, f"run {spec.id}", settings=SESSION)
    try:
        detect_dead_client(connection)
        watchdog.start(connection.info.backend_pid)
        return _Attempt(address, spec, observer, watchdog, connection).run()
    except Busy:
        raise
    except Interrupted as error:
        raise _why_interrupted(error, watchdog, observer) from error
    except Error as error:
        raise NothingChanged(redact(f"{error_text(error)} {UNDONE}", address)) from error
    finally:
        with suppress(Error):
            connection.close()


def _why_interrupted(error: Interrupted, watchdog: LockWatchdog, observer: RunObserver) -> Exception:
    if not watchdog.ended:
        return NothingChanged(f"{error_text(error)} {UNDONE}")
    if observer.stop():
        return RunCanceled(f"Canceled while it worked. {UNDONE}")
    return _WaitLimitReached()


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One attempt: one transaction from begin to commit."""

    address: DatabaseAddress
    spec: RunSpec
    observer: RunObserver
    watchdog: LockWatchdog
    connection: Connection

    def run(self) -> CommittedRun:
        connection, spec, observer = self.connection, self.spec, self.observer
        apply_settings(connection, spec)
        check_target(connection, self.address, spec)
        lock_history(connection, spec)
        check_history(connection, spec)
        before = check_state(connection, spec)
        identity = identify_transaction(connection)
        observer.began(identity)
        ran = self.execute_all(identity)
        after = check_change(connection, spec, before)
        deleted = delete_rows(connection, spec)
        observer.deleted(deleted)
        self.watchdog.disarm()
        if observer.stop():
            raise RunCanceled(f"Canceled before the commit. {UNDONE}")
        observer.committing(connection, after)
        commit(connection, identity, self.address)
        return CommittedRun(identity, ran, deleted, before=before, after=after)

    def execute_all(self, identity: Identity) -> tuple[ExecutedStatement, ...]:
        ran: list[ExecutedStatement] = []
        began = time.monotonic()
        for number, statement in enumerate(self.spec.statements, 1):
            if self.observer.stop():
                raise RunCanceled(f"Canceled before statement {number}. {UNDONE}")
            left = LOCK_WAIT_SECONDS - (time.monotonic() - began)
            set_lock_timeout(self.connection, max(LEAST_LOCK_WAIT, left))
            ran.append(self.execute(number, statement, identity))
            self.observer.ran(ran[-1])
        # Deferred constraints fail here, not in the commit.
        self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        return tuple(ran)

    def execute(self, number: int, statement: str, identity: Identity) -> ExecutedStatement:
        """Execute exactly one statement: the extended protocol refuses a second one."""
        began = time.monotonic()
        try:
            cursor = self.connection.execute(statement.encode(), binary=True)
        except Busy:
            raise
        except Error as error:
            if isinstance(error, Interrupted) and self.watchdog.ended:
                raise
            reason = f"Statement {number} failed: {error_text(error)} {UNDONE}"
            raise NothingChanged(redact(reason, self.address)) from error
        self.check_transaction(number, identity)
        return ExecutedStatement(number, cursor.rowcount, time.monotonic() - began)

    def check_transaction(self, number: int, identity: Identity) -> None:
        row = None
        if self.connection.info.transaction_status == INTRANS:
            row = self.connection.execute("SELECT pg_current_xact_id()::text").fetchone()
        if row is None or row[0] != identity.xid:
            raise PartiallyApplied(
                f"Statement {number} ended the transaction that it ran in. What it committed has stayed: "
                "the database has to be looked at."
            )
