"""How often the page polls, and how long it has waited without a worker."""

from __future__ import annotations

from datetime import datetime, timedelta

from dbtools.models import DatabaseRollback
from rollback_portal.jobs import clock

STALLED_AFTER = timedelta(seconds=10)  # without a worker that has taken it up


def poll_every(rollback: DatabaseRollback, *, only_waits: bool) -> str:
    """The interval of htmx, such as "1s"; "" where it is this person's turn.

    Args:
        only_waits: the person cannot approve it, so they wait for somebody who can.
    """
    if rollback.waits_for_worker:
        return "1s"
    if rollback.status == "awaiting_approval" and only_waits:
        return "3s"
    if rollback.ended and _is_being_restored(rollback):
        return "2s"
    return "3s" if any(release.status == "requested" for release in rollback.releases.all()) else ""


def _is_being_restored(rollback: DatabaseRollback) -> bool:
    backup = rollback.backup
    return backup is not None and any(not restore.ended for restore in backup.restores.all())


def stalled_since(rollback: DatabaseRollback) -> datetime | None:
    """Since when no worker has been at work on it, although it is a worker's turn; None while one is."""
    if not rollback.waits_for_worker:
        return None
    now, until = clock.now(), rollback.lease_until
    leased = rollback.lease_owner is not None and until is not None and until > now
    return None if leased or now - rollback.due_since < STALLED_AFTER else rollback.due_since
