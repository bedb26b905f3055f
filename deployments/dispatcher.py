"""The dispatcher: rings for rows that are due, and does the work itself where nobody answers the bell.

The row is the outbox; Redis and Celery are a doorbell, and any message may vanish at any moment. Nothing
but this module publishes. Any number of dispatchers may run: rows are taken with SKIP LOCKED.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from celery import Task
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection, transaction
from django.db.models import F, Q
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from deployments import changes
from deployments.models import Change, Schedule
from deployments.presence import beat, queue_answered
from rollback_portal.dispatched import Work

log = logging.getLogger(__name__)

RING_AGAIN = timedelta(seconds=2)  # a bell that nobody answered for so long is rung again
HELP_YOURSELF = timedelta(seconds=5)  # and after this the dispatcher does the work in its own process
AT_ONCE = 8  # changes that one dispatcher works on by itself
SLICE = 40.0  # seconds that one message keeps a worker, well below Celery's time limit


def queue_answers() -> bool:
    """Whether Redis answers at once. A Redis that hangs would hold a publisher up for seconds."""
    try:
        with _bell() as bell:
            return bool(bell.ping())
    except RedisError as error:
        log.warning("the queue is away (%s)", error)
        return False


def _bell() -> Redis:
    return Redis.from_url(
        settings.REDIS_URL or "redis://127.0.0.1:6379/0",
        socket_timeout=0.3,
        socket_connect_timeout=0.3,
        retry=Retry(NoBackoff(), 0),
    )


def ring(task: Task[Any, Any], pk: int) -> bool:
    """Tell a worker about a row; False where the queue is away."""
    try:
        task.apply_async((pk,), retry=False)
    except (OperationalError, OSError) as error:
        log.warning("the queue is away (%s): row %s is not rung for", error, pk)
        return False
    return True


class Dispatcher:
    """One process's share of the work: a round whenever PostgreSQL notifies it, and once a second anyway."""

    def __init__(
        self,
        advance: Task[Any, Any],
        tasks: dict[str, tuple[Task[Any, Any], timedelta]],
        others: Sequence[Work] = (),
    ) -> None:
        """`tasks` are the recurring ones with how often they run, `others` the rows of another wing."""
        own = Work("change", advance, _due, lambda pk: changes.run(pk, seconds=SLICE))
        self.works = (own, *others)
        self.tasks = tasks
        self.own = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="own-work")
        self.working: set[tuple[str, int]] = set()

    def round(self) -> None:
        """Ring for what is due, take over what nobody took, start what recurs. Survives every outage."""
        try:
            beat("dispatcher")
            for work in self.works:
                self._dispatch(work)
            self._recur()
        except DatabaseError as error:
            log.warning("PostgreSQL is away (%s); nothing is dispatched until it is back", error)
        finally:
            close_old_connections()

    def stop(self) -> None:
        """Wait until the changes in hand are handed over, each between two of its steps."""
        self.own.shutdown(wait=True)

    def _dispatch(self, work: Work) -> None:
        with transaction.atomic():
            rows = work.due()
        answers = bool(rows) and queue_answers()
        for pk, waiting in rows:
            if waiting > HELP_YOURSELF or not answers or not ring(work.task, pk):
                self._work(work, pk)

    def _work(self, work: Work, pk: int) -> None:
        if (work.name, pk) in self.working:
            return
        self.working.add((work.name, pk))
        self.own.submit(self._run, work, pk)

    def _run(self, work: Work, pk: int) -> None:
        try:
            log.warning("nobody took %s %s up: the dispatcher works on it", work.name, pk)
            while work.run(pk):
                pass
        except Exception:
            log.exception("%s %s: own work broke off; the next round takes it up", work.name, pk)
        finally:
            self.working.discard((work.name, pk))
            connection.close()

    def _recur(self) -> None:
        due = [each for each in self.tasks.items() if _take_turn(each[0], each[1][1])]
        if not due or not queue_answers():
            return
        queue_answered()
        for name, (task, every) in due:
            try:
                task.apply_async(retry=False, expires=every.total_seconds())
            except (OperationalError, OSError) as error:
                log.warning("the queue is away (%s); %s is skipped", error, name)


def _due() -> list[tuple[int, timedelta]]:
    """The changes to ring for now, with how long each has been waiting since it was first rung for."""
    now = timezone.now()
    stale = Q(rung_at=None) | Q(rung_at__lt=now - RING_AGAIN)
    rows = list(
        Change.objects.due(now)
        .filter(stale)
        .select_related("operation")
        .select_for_update(skip_locked=True, of=("self",))
        .order_by(F("rung_at").asc(nulls_first=True))[:100]
    )
    Change.objects.filter(pk__in=[row.pk for row in rows]).update(rung_at=now)
    return [(row.pk, now - changes.due_since(row)) for row in rows]


def _take_turn(name: str, every: timedelta) -> bool:
    now = timezone.now()
    Schedule.objects.get_or_create(task=name, defaults={"due_at": now})
    return bool(Schedule.objects.filter(task=name, due_at__lte=now).update(due_at=now + every))
