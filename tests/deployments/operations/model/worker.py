"""A worker that can be stopped anywhere, for a while or for good.

It is the product's own `worker.run` in a thread, in lockstep with the model: only one of all threads runs
at any time, on the one PostgreSQL connection that holds the life's transaction. Each worker's liveness lock
has its own connection, as in production.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Collection
from threading import Semaphore, Thread
from typing import TYPE_CHECKING

from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from deployments.operations import worker
from rollback_portal.jobs.process import liveness

if TYPE_CHECKING:
    from tests.deployments.operations.model.stage import Stage

OPEN_DIRECT = liveness.open_direct
HOLDS = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = %s"  # pg_locks is never cached
STUCK = 30.0  # seconds; limit of a turn, which takes milliseconds

# Where a worker can be stopped:
POINTS = (
    "step",  # between two steps
    "request",  # before any request to the provider
    "order",  # its intent is committed, the pool is about to look at the deadline
    "bytes",  # the deadline was met, the first byte not yet written
    "answer",  # the order has arrived, its answer is not yet read
    "sleep",  # it waits before its next step; every run that stops anywhere also stops here
)


class Died(BaseException):
    """The process was killed: nothing catches this, and uncommitted work is lost."""


def open_until_gone() -> BaseDatabaseWrapper:
    """Replace `liveness.open_direct`: closing returns once PostgreSQL has released the lock.

    That takes PostgreSQL a moment, and the next worker could come before or after it.
    """
    own = OPEN_DIRECT()
    own.ensure_connection()
    shared, pid, close = connection.connection, own.connection.info.backend_pid, own.close

    def close_and_wait() -> None:
        close()
        while shared.execute(HOLDS, [pid]).fetchone():
            time.sleep(0.001)

    own.close = close_and_wait  # type: ignore[method-assign]
    return own


class Worker:
    """Executes one message for one change."""

    def __init__(self, stage: Stage, pk: int) -> None:
        self.stage = stage
        self.pk = pk
        self.position = ""
        self.ended = False
        self.stopping = False
        self._until: Collection[str] = ()
        self._dead = False
        self._statements: int | None = None
        self._error: BaseException | None = None
        self._connection = connections["default"]
        self._mine, self._theirs = Semaphore(0), Semaphore(0)
        self._thread = Thread(target=self._run, daemon=True)

    def continue_until(self, until: Collection[str] = (), *, statements: int | None = None) -> None:
        """Run until a point is reached or the work has ended.

        Args:
            until: the points to stop at; without any it runs to the end, sleeping advances the clock.
            statements: die after this many statements.
        """
        self._until, self._statements = until, statements
        self._take_turn()

    def stop(self) -> None:
        """Shut down gracefully: finish the step, hand the change over, end."""
        self.stopping = True
        self.continue_until()

    def die(self) -> None:
        """Stop for good at the current point; the connection with its lock is closed."""
        self._dead = True
        self._take_turn()

    def _take_turn(self) -> None:
        self.stage.active_worker = self
        if self._thread.ident is None:
            self._thread.start()
        else:
            self._mine.release()
        if not self._theirs.acquire(timeout=STUCK):
            raise AssertionError(f"A worker's turn did not end:\n{self._where()}")
        self.stage.active_worker = None
        if self._error is not None:
            raise self._error

    def _where(self) -> str:
        frame = sys._current_frames().get(self._thread.ident or 0)
        return "".join(traceback.format_stack(frame)[-12:]) if frame else "its thread has ended"

    def _run(self) -> None:
        connections["default"] = self._connection
        try:
            while worker.run(self.pk, observe=lambda change: self.reach("step")):
                pass
        except Died:
            self.stage.count(f"a worker dies {self.position}")
        except BaseException as error:
            self._error = error
        finally:
            self.ended = True
            self._theirs.release()

    # --- called from within the work ---

    def reach(self, point: str) -> None:
        """Stop here if this point was requested."""
        assert len(connection.savepoint_ids) == self.stage.depth, f"a transaction is open at {point}"
        self.position = f"at {point}"
        if point in self._until:
            self._theirs.release()
            self._mine.acquire()
            if self._dead:
                raise Died
        self.position = f"after {point}"

    def count_statement(self) -> None:
        """Count a statement before it is sent to PostgreSQL; die if it was the last one allowed."""
        if self._statements is None or self._dead:
            return
        self._statements -= 1
        if self._statements < 0:
            self._dead, self.position = True, "between two statements"
            raise Died

    def asked_to_stop(self, within: float) -> bool:
        """Wait between two steps; others go on in the meantime, and may stop this worker."""
        if within > 0 and not self.stopping:
            wakes = self.stage.clock.passed + within
            self.reach("sleep")
            if not self.stopping:
                self.stage.advance(wakes - self.stage.clock.passed)
        return self.stopping
