"""A worker that is alive and holds a change, but has stalled: a person has to take a look."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from deployments.models import Change
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import PORTAL, record
from rollback_portal.jobs import clock
from rollback_portal.jobs.lease import RELEASED

STALLED_AFTER = timedelta(minutes=2)
MESSAGE = (
    "The worker that holds this is alive, but has not renewed its lease for 2 minutes. It will send nothing "
    "more; check at {provider} what it has sent so far."
)


def give_up_on_stalled_worker(pk: int) -> bool:
    """Move the change to needs_attention if its lease ran out at least 2 minutes ago; True if it did.

    From then on the owner's writes are refused, and a call that it had prepared is past its deadline.
    """
    now = clock.now()
    change = Change.objects.shown().active().filter(pk=pk, lease_until__lt=now - STALLED_AFTER).first()
    if change is None or "needs_attention" not in Change.TRANSITIONS[change.status]:
        return False
    message = MESSAGE.format(provider=change.service.get_provider_display())
    with transaction.atomic():
        moved = change.move(
            "needs_attention",
            guard={"lease_until__lt": now - STALLED_AFTER},
            message=message,
            status_times=change.times_with("needs_attention", now),
            ended_at=now,
            **RELEASED,
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
