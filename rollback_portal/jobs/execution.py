"""Execute one row: the liveness lock, the claim and the lease around what an app does with it."""

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
    """Take a row up if it is due and work on it.

    Args:
        rows: where the row is taken from, with the relations that `work` needs.
        pk: the row.
        work: works on it; True where the row is still ours and more is due at once.
        when_locked: called where a living process holds the row's lock.

    Returns:
        True where more is due at once. A process that was asked to stop hands the row over between two
        steps and takes no other one.
    """
    if shutdown.requested():
        return False
    more = _execute(rows, pk, work, when_locked)
    if shutdown.requested():
        notify_dispatchers()  # only now is the lock gone, and whoever hears it gets the row
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
            log.warning("%s %s was taken up or moved by somebody else", row._meta.verbose_name, pk)
            return False
