"""Records orders that took effect after their operation had ended.

The provider's record decides, by identity; see `outside/own_changes.py`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from deployments.models import Change, Service
from deployments.models.operation import TOOK_EFFECT_LATE
from deployments.providers.already_current import is_live
from deployments.providers.base import Current
from deployments.providers.vercel.order_progress import belongs
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import PORTAL, record
from rollback_portal.jobs import clock
from rollback_portal.text import exact_time

REMEMBERED = timedelta(days=2)
GIVEN_UP = ("needs_attention", "failed", "canceled")


def tell_late_move(service: Service, current: Current, at: datetime) -> None:
    """Note it in the change, and write the audit entry, once.

    Args:
        service: locked by the caller.
        current: what the provider says now.
        at: when it was asked.
    """
    change = _whose_order_is_live(service, current)
    if change is None or not _was_given_up(change):
        return
    provider, sent = service.get_provider_display(), change.order_intent_at or at
    message = (
        f"{provider} has completed the order of {sent:%H:%M:%S} UTC after all: {change.to_deployment} is in "
        f"front of users of {service.short}. The operation had ended before: {change.message}"
    )
    Change.objects.filter(pk=change.pk).update(
        evidence={**change.evidence, TOOK_EFFECT_LATE: f"read from {provider} at {exact_time(at)}"}
    )
    record(
        PORTAL,
        "took effect late",
        Outcome.DONE,
        service.label,
        f"{change.operation.plan['title']}: {message}",
        operation=change.operation_id,
        reason=change.operation.why,
        incident=change.operation.incident,
        after={"live": str(change.to_deployment)},
    )


def _whose_order_is_live(service: Service, current: Current) -> Change | None:
    """The latest change whose accepted order made live what is live now."""
    changes = Change.objects.shown().filter(service=service, status_times__has_key="accepted")
    recent = changes.filter(operation__requested_at__gt=clock.now() - REMEMBERED).order_by("-pk")[:10]
    return next((change for change in recent if _is_its_move(change, current)), None)


def _is_its_move(change: Change, current: Current) -> bool:
    if change.service.provider == Service.ProviderChoice.RENDER:
        return change.provider_ref != "" and current.live_id == change.provider_ref
    order, move = change.order, current.alias_request
    if order is None or move is None or move.status != "succeeded":
        return False
    return belongs(move, order) and is_live(current, move.to_id)


def _was_given_up(change: Change) -> bool:
    """It ended while its order was still being followed, and nothing has been told of that order since."""
    released = change.status_times.get("serving", "") > change.status_times["accepted"]
    return change.status in GIVEN_UP and not released and TOOK_EFFECT_LATE not in change.evidence
