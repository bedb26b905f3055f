"""Sees what happens to a run while the run itself can only wait: on a connection of its own.

It notes who holds what the run needs, and it ends a statement that somebody wants to cancel, or that has made
others wait for long enough: `lock_timeout` begins anew with every lock, and one statement can need many.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread
from types import TracebackType

from dbtools.execution.run_spec import READERS_WAIT, Blocker
from dbtools.postgres import client
from dbtools.postgres.client import Connection, Error, Target, Unreachable

LOOK_EVERY = 0.05  # seconds
WHO = """
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


class Lookout:
    """Looks twenty times a second while it is open. Without `stop` it only looks, and ends nothing.

    Attributes:
        seen: who blocked when somebody was last seen to block.
        ended: it has ended a statement of the run.
    """

    def __init__(self, where: Target, number: str, stop: Callable[[], bool] | None = None) -> None:
        self.seen: tuple[Blocker, ...] = ()
        self.ended = False
        self._where, self._number, self._stop = where, number, stop
        self._over = Event()
        self._acting = Lock()
        self._thread: Thread | None = None

    def watch(self, pid: int) -> None:
        """Begin to look at what the session with this process number waits for."""
        self._thread = Thread(target=self._look, args=(pid,), name="lookout", daemon=True)
        self._thread.start()

    def stand_down(self) -> None:
        """End nothing any more: a commit is not to be hit. Once this has returned, nothing comes after it."""
        with self._acting:
            self._over.set()

    def _look(self, pid: int) -> None:
        with suppress(Error, Unreachable):
            purpose = f"lookout {self._number}"
            with client.connect(self._where, purpose, autocommit=True) as connection:
                waited, last = 0.0, time.monotonic()
                while not self._over.wait(LOOK_EVERY):
                    found, now = blockers(connection, pid), time.monotonic()
                    self.seen = found or self.seen
                    waited += now - last if found else 0.0
                    last = now
                    if self._stop is not None and (waited > READERS_WAIT or _says(self._stop)):
                        self._end(connection, pid)

    def _end(self, connection: Connection, pid: int) -> None:
        with self._acting:
            if not self._over.is_set():
                self.ended = True
                connection.execute("SELECT pg_cancel_backend(%s)", [pid])

    def __enter__(self) -> Lookout:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stand_down()
        if self._thread is not None:
            self._thread.join(timeout=client.CONNECT_SECONDS)


def _says(stop: Callable[[], bool]) -> bool:
    try:
        return stop()
    except Exception:  # whatever it is: the run meets it itself when it asks the same
        return True


def blockers(connection: Connection, pid: int) -> tuple[Blocker, ...]:
    """The sessions that the session with this process number waits for."""
    return tuple(Blocker(*row) for row in connection.execute(WHO, {"pid": pid}).fetchall())
