"""Who the page waits for: how soon it asks again, and since when a worker should have come."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from dbtools.models import DatabaseRollback

PATIENCE = timedelta(seconds=10)  # for a worker to take it up


def ask_again(rollback: DatabaseRollback, *, watches: bool) -> str:
    """How soon the page asks again; "" where the person in front of it is the one to move it.

    Args:
        watches: the person can only wait for somebody else's approval.
    """
    if rollback.waits_for_worker:
        return "1s"
    if rollback.status == "awaiting_approval" and watches:
        return "3s"
    return "2s" if rollback.ended and _is_being_restored(rollback) else ""


def _is_being_restored(rollback: DatabaseRollback) -> bool:
    return rollback.backup is not None and any(not each.ended for each in rollback.backup.restores.all())


def stalled_since(rollback: DatabaseRollback) -> datetime | None:
    """Since when nobody has been working on it, although it is a worker's turn; None while all is well."""
    now = timezone.now()
    held = (
        rollback.lease_owner is not None and rollback.lease_until is not None and rollback.lease_until > now
    )
    if not rollback.waits_for_worker or held or now - rollback.due_since < PATIENCE:
        return None
    return rollback.due_since
