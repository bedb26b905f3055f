"""Executes one job: liveness lock, claim and lease around the work that an app does on its row."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import models

from rollback_portal.jobs import queue
from rollback_portal.jobs.lease import Lease, LeaseLost
from rollback_portal.jobs.notify import notify_dispatchers
from rollback_portal.jobs.process import liveness, shutdown
from rollback_portal.jobs.queue import Row

log = logging.getLogger(__name__)


def execute(
    rows: models.QuerySet[Row],
    pk: int,
    work: Callable[[Lease[Row]], bool],
    *,
    when_locked: Callable[[int], object] = lambda pk: None,
) -> bool:
    """Claim a row if it is due, and work on it.

    Args:
        rows: the queryset to load the row from, with the relations that `work` needs.
        pk: primary key of the row.
        work: does the work; returns True if more is due at once.
        when_locked: called if a living process holds the row's liveness lock.

    Returns:
        True if more is due at once. A process that was asked to stop takes no row; one that is asked during
        `work` notifies the dispatchers, so that another process takes over.
    """
    if shutdown.requested():
        return False
    more = _execute(rows, pk, work, when_locked)
    if shutdown.requested():
        notify_dispatchers()  # after the lock is released, so that the next process gets the row
    return more


def _execute(
    rows: models.QuerySet[Row],
    pk: int,
    work: Callable[[Lease[Row]], bool],
    when_locked: Callable[[int], object],
) -> bool:
    with liveness.liveness_lock(f"{rows.model._meta.label_lower}:{pk}") as taken:
        if not taken:
            when_locked(pk)
            return False
        row = queue.claim(rows, pk)
        if row is None:
            return False
        try:
            return work(Lease(row))
        except LeaseLost:
            log.warning("%s %s was taken or moved by another process", row._meta.verbose_name, pk)
            return False
