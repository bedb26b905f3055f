"""The dispatcher publishes jobs that are due, and executes them itself if no worker takes them.

The table is the queue. A Celery message only says that a row is due, and any message may be lost. Only this
module publishes. Any number of dispatchers may run: they take rows with SKIP LOCKED.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.db import DatabaseError, close_old_connections, connection, transaction

from rollback_portal.jobs import broker, queue
from rollback_portal.jobs.kinds import JobKind
from rollback_portal.jobs.process.heartbeats import record_broker_answer, record_heartbeat
from rollback_portal.jobs.schedule import RecurringTask, take_turn

log = logging.getLogger(__name__)

EXECUTE_HERE_AFTER = timedelta(seconds=5)  # a row has waited this long for a worker


class Dispatcher:
    """The work of one dispatcher process; it does a round at each NOTIFY, and at least once a second."""

    def __init__(self, kinds: Sequence[JobKind], recurring: Sequence[RecurringTask]) -> None:
        self.kinds = kinds
        self.recurring = recurring
        self.executors = {kind.name: ThreadPoolExecutor(kind.threads, kind.name) for kind in kinds}
        self.executing: dict[str, set[int]] = {kind.name: set() for kind in kinds}

    def round(self) -> None:
        """Publish due jobs, execute those that no worker took, publish recurring tasks. Survives outages."""
        try:
            record_heartbeat("dispatcher")
            for kind in self.kinds:
                self._dispatch(kind)
            self._publish_recurring()
        except DatabaseError as error:
            log.warning("PostgreSQL is unavailable (%s); nothing is dispatched until it is back", error)
        finally:
            close_old_connections()

    def stop(self) -> None:
        """Wait until the jobs that this process executes are handed over, each between two steps."""
        for executor in self.executors.values():
            executor.shutdown(wait=True)

    def _dispatch(self, kind: JobKind) -> None:
        with transaction.atomic():
            rows = queue.take_due(kind.model, kind.at_most)
        if not rows:
            return
        broker_answers, can_run = broker.answers(), kind.can_run()
        for pk, waiting in rows:
            has_thread = can_run and len(self.executing[kind.name]) < kind.threads
            late = has_thread and waiting > EXECUTE_HERE_AFTER
            published = broker_answers and not late and broker.publish(kind.task, pk)
            if can_run and not published:
                self._execute_here(kind, pk)

    def _execute_here(self, kind: JobKind, pk: int) -> None:
        if pk in self.executing[kind.name]:
            return
        self.executing[kind.name].add(pk)
        self.executors[kind.name].submit(self._execute, kind, pk)

    def _execute(self, kind: JobKind, pk: int) -> None:
        try:
            log.warning("no worker took %s %s: the dispatcher executes it", kind.name, pk)
            while kind.execute(pk):
                pass
        except Exception:
            log.exception("%s %s: execution failed; a later round tries again", kind.name, pk)
        finally:
            self.executing[kind.name].discard(pk)
            connection.close()

    def _publish_recurring(self) -> None:
        due = [recurring for recurring in self.recurring if take_turn(recurring)]
        if not due or not broker.answers():
            return
        record_broker_answer()
        for recurring in due:
            broker.publish(recurring.task, expires=recurring.every)
