"""A worker's verbs: take one database rollback from step to step, as far as no person is needed.

Every write is guarded by the lease of the worker that makes it, and a session lock proves that it still
lives. Whatever dies, the row says what may have happened; what has reached its commit is looked up, never
run again.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from dbtools.models import DatabaseRollback
from dbtools.work.hold import Hold, LeaseLost
from dbtools.work.jobs import JOBS
from rollback_portal import proof, stopping

log = logging.getLogger(__name__)

RING_AGAIN = timedelta(seconds=2)


def run(pk: int) -> bool:
    """Work on one database rollback until a person is needed, or this process is asked to stop.

    Returns:
        True where more is due at once.
    """
    if stopping.asked():
        return False
    with proof.of_life(f"database rollback:{pk}") as alone:
        if not alone:
            return False
        rollback = claim(pk, uuid4())
        if rollback is None:
            return False
        hold = Hold(rollback)
        try:
            with hold.beating():
                return _work(hold)
        except LeaseLost:
            log.warning("database rollback %s was taken up by another worker, or given up", pk)
            return False


def claim(pk: int, owner: UUID) -> DatabaseRollback | None:
    """Take it if it is due and nobody else holds it."""
    now = timezone.now()
    until = now + timedelta(seconds=settings.LEASE_SECONDS)
    taken = DatabaseRollback.objects.due(now).filter(pk=pk).update(lease_owner=owner, lease_until=until)
    return DatabaseRollback.objects.shown().get(pk=pk) if taken else None


def _work(hold: Hold) -> bool:
    while hold.rollback.at_work and not stopping.asked():
        status = hold.rollback.status
        JOBS[status](hold)
        if hold.rollback.status == status:  # handed back: it has to wait
            return False
    more = hold.rollback.at_work
    hold.let_go()
    return more


def due() -> list[tuple[int, timedelta]]:
    """What to ring for now, marked as rung for, with how long each has been waiting."""
    now = timezone.now()
    stale = Q(rung_at=None) | Q(rung_at__lt=now - RING_AGAIN)
    rows = list(
        DatabaseRollback.objects.due(now)
        .filter(stale)
        .select_for_update(skip_locked=True, of=("self",))
        .order_by(F("rung_at").asc(nulls_first=True))[:20]
    )
    DatabaseRollback.objects.filter(pk__in=[row.pk for row in rows]).update(rung_at=now)
    return [(row.pk, now - row.due_since) for row in rows]
