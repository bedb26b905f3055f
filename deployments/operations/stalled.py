"""A worker that holds a change and lives, but has stalled: a person has to look."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from deployments.models import Change
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import PORTAL, record

STALLED_AFTER = timedelta(minutes=2)
SENTENCE = (
    "The worker that holds this is alive, but has not been heard for 2 minutes. It sends nothing any more; "
    "what it sent before is to be looked up at {provider}."
)


def give_up_on_stalled_worker(pk: int) -> bool:
    """End the change in needs attention where its owner's lease ran out 2 minutes ago; True where it did.

    The owner's writes are refused from then on, and a call it had prepared is past its deadline.
    """
    now = timezone.now()
    change = Change.objects.shown().active().filter(pk=pk, lease_until__lt=now - STALLED_AFTER).first()
    if change is None or "needs_attention" not in Change.TRANSITIONS[change.status]:
        return False
    message = SENTENCE.format(provider=change.service.get_provider_display())
    with transaction.atomic():
        moved = change.move(
            "needs_attention",
            guard={"lease_until__lt": now - STALLED_AFTER},
            message=message,
            status_times=change.times_with("needs_attention", now),
            ended_at=now,
            lease_owner=None,
        )
        if moved:
            record(
                PORTAL,
                "worker stalled",
                Outcome.UNCLEAR,
                change.service.label,
                f"{change.operation.plan['title']}: {message}",
                operation=change.operation_id,
            )
    return moved
