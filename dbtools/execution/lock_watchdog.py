"""Watches a run from a second connection, because the run itself blocks while it waits for a lock.

It records which sessions block the run. It cancels the current statement when the run is to be canceled, or
when the run has waited for locks, and so kept others waiting, for too long in total: `lock_timeout` starts
anew with every lock, and one statement can need many.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread
from types import TracebackType

from dbtools.execution.run_spec import LOCK_WAIT_SECONDS, Blocker
from dbtools.postgres import client
from dbtools.postgres.client import Connection, DatabaseAddress, DatabaseUnreachable, Error

POLL_SECONDS = 0.05  # seconds
BLOCKERS = """
SELECT pid, coalesce(usename, ''), coalesce(nullif(application_name, ''), backend_type, ''),
       coalesce(state, ''),
       coalesce(extract(epoch FROM clock_timestamp() - coalesce(xact_start, query_start)), 0)::float,
       left(query, 300)
FROM pg_stat_activity WHERE pid = ANY(pg_blocking_pids(%(pid)s))
UNION ALL
SELECT 0, owner, 'PREPARE TRANSACTION', 'prepared',
       extract(epoch FROM clock_timestamp() - prepared)::float, gid
FROM pg_prepared_xacts WHERE database = current_database() AND 0 = ANY(pg_blocking_pids(%(pid)s))
"""


class LockWatchdog:
    """Polls twenty times a second while open. Without `stop` it only observes and cancels nothing.

    Attributes:
        seen: the most recent blockers.
        ended: whether it canceled a statement of the run.
    """

    def __init__(self, address: DatabaseAddress, run_id: str, stop: Callable[[], bool] | None = None) -> None:
        self.seen: tuple[Blocker, ...] = ()
        self.ended = False
        self._address, self._run_id, self._stop = address, run_id, stop
        self._disarmed = Event()
        self._cancel_lock = Lock()
        self._thread: Thread | None = None

    def start(self, pid: int) -> None:
        """Start watching the session with this backend process id."""
        self._thread = Thread(target=self._watch, args=(pid,), name="lock-watchdog", daemon=True)
        self._thread.start()

    def disarm(self) -> None:
        """Cancel nothing any more once this has returned, so that a commit is never hit."""
        with self._cancel_lock:
            self._disarmed.set()

    def _watch(self, pid: int) -> None:
        with suppress(Error, DatabaseUnreachable):
            purpose = f"lock watchdog {self._run_id}"
            with client.connect(self._address, purpose, autocommit=True) as connection:
                waited, last = 0.0, time.monotonic()
                while not self._disarmed.wait(POLL_SECONDS):
                    blocking, now = blockers(connection, pid), time.monotonic()
                    self.seen = blocking or self.seen
                    waited += now - last if blocking else 0.0
                    last = now
                    if self._stop is not None and (waited > LOCK_WAIT_SECONDS or _stop_requested(self._stop)):
                        self._cancel_statement(connection, pid)

    def _cancel_statement(self, connection: Connection, pid: int) -> None:
        with self._cancel_lock:
            if not self._disarmed.is_set():
                self.ended = True
                connection.execute("SELECT pg_cancel_backend(%s)", [pid])

    def __enter__(self) -> LockWatchdog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.disarm()
        if self._thread is not None:
            self._thread.join(timeout=client.CONNECT_SECONDS)


def _stop_requested(stop: Callable[[], bool]) -> bool:
    try:
        return stop()
    except Exception:  # the run calls the same function and will handle the error itself
        return True


def blockers(connection: Connection, pid: int) -> tuple[Blocker, ...]:
    """The sessions that the session with this backend process id is waiting for."""
    return tuple(Blocker(*row) for row in connection.execute(BLOCKERS, {"pid": pid}).fetchall())
