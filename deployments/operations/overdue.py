"""An accepted order that takes over twice its usual time: users may stop waiting.

They may then settle the operation with what they see at the provider, or act by hand. The portal itself waits
for `FOLLOW_SECONDS`. What completes later is recorded by `sync/late_moves.py`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from deployments.history import longest_usual
from deployments.models import Change, OperationKind
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor, record
from rollback_portal.jobs import clock
from rollback_portal.jobs.lease import RELEASED
from rollback_portal.text import duration

SHORTEST = timedelta(seconds=10)  # before that, nothing is called overdue
READ_BACK = timedelta(seconds=15)  # the call whose answer was lost may have lasted as long


class NotOverdue(Exception):
    """The operation has ended, or has not taken twice its usual time; `str()` says which."""


def overdue_since(change: Change, now: datetime) -> timedelta | None:
    """How long ago the order was sent, where that is more than twice its usual time; None otherwise."""
    if change.status not in {"accepted", "unclear"} or change.order_intent_at is None:
        return None
    waited = now - change.order_intent_at
    if waited <= SHORTEST:
        return None
    allowed = max(2 * longest_usual(change.service, OperationKind(change.operation.kind)), SHORTEST)
    if change.status == "unclear":
        allowed += timedelta(seconds=settings.SETTLE_SECONDS) + READ_BACK
    return waited if waited > allowed else None


def stop_waiting(actor: Actor, change: Change) -> None:
    """End the change in needs_attention at once; the worker that follows it writes nothing more.

    Raises:
        NotOverdue: nothing was changed.
    """
    now = clock.now()
    waited = overdue_since(change, now)
    if waited is None:
        if not change.active:
            raise NotOverdue("The operation has ended already. Nothing was changed.")
        raise NotOverdue("It has not taken twice its usual time yet. Nothing was changed.")
    provider = change.service.get_provider_display()
    message = f"{actor.name} stopped waiting after {duration(waited)}: {provider} has not finished the order."
    with transaction.atomic():
        moved = change.move(
            "needs_attention",
            guard={"status": change.status},
            message=message,
            status_times=change.times_with("needs_attention", now),
            ended_at=now,
            **RELEASED,
        )
        if not moved:
            raise NotOverdue("The operation has gone on meanwhile. Nothing was changed.")
        record(
            actor,
            "stopped waiting",
            Outcome.UNCLEAR,
            change.service.label,
            f"{change.operation.plan['title']}: {message}",
            operation=change.operation_id,
            reason=change.operation.why,
            incident=change.operation.incident,
        )
