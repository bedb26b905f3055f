"""Follows an accepted order until its provider has carried it out."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from deployments.models import Pin
from deployments.operations.pins import revert_pin
from deployments.operations.steps.context import ChangeContext, Pause
from deployments.operations.steps.restore_auto_deploy import finish_without_effect
from deployments.operations.steps.send_order import stored_order_record
from deployments.providers.base import Phase, ProviderError, Refused
from rollback_portal.jobs import clock
from rollback_portal.text import duration


def follow_progress(context: ChangeContext) -> Pause:
    """Ask the provider how far the order is: accepted does not mean done."""
    change = context.change
    progress = context.provider.progress(stored_order_record(change))
    context.note(
        provider_ref=change.provider_ref or progress.ref,
        provider_status=progress.raw_status,
        provider_answered_at=clock.now(),
        message=progress.message,
    )
    wants_cancel = change.cancel_requested_at is not None and "cancel" not in change.evidence
    if wants_cancel and change.provider_ref and progress.phase == Phase.WAITING:
        _cancel_at_provider(context)
        return 0.0
    if progress.phase == Phase.DONE:
        context.advance("serving")
        return 0.0
    if progress.phase == Phase.FAILED and progress.failed_aliases:
        change.evidence = {**change.evidence, "failed domains": ", ".join(progress.failed_aliases)}
        in_transaction = None if _has_pinned(context) else lambda: revert_pin(change)
        return context.end("failed", progress.message, in_transaction=in_transaction)
    if progress.phase == Phase.FAILED:
        return finish_without_effect(context, "failed", progress.message)
    if progress.phase == Phase.CANCELED:
        return finish_without_effect(
            context, "canceled" if change.cancel_requested_at else "failed", progress.message
        )
    return _wait(context, progress.message)


def _has_pinned(context: ChangeContext) -> bool:
    """Whether the failed move pins the service; True where the provider does not say.

    A service that was pinned before stays pinned: then it is the earlier rollback's, as long as that is live.
    """
    change = context.change
    try:
        current = context.provider.current(change.service.provider_id)
    except ProviderError:
        return True
    if current.pinned is False:
        return False
    pin, before = Pin.objects.standing().filter(change=change).first(), change.order_record.get("live_before")
    chained = pin is not None and pin.replaces_id is not None
    unmoved = current.live_id is not None and current.live_id == before and not current.conflict
    return not (chained and unmoved)


def _cancel_at_provider(context: ChangeContext) -> None:
    change = context.change
    try:
        context.provider.cancel(change.service.provider_id, change.provider_ref)
        message = f"{context.provider_name} was asked to cancel {change.provider_ref}"
    except Refused as error:
        message = f"{context.provider_name} did not cancel it: {error}"
    context.note(evidence={**change.evidence, "cancel": message})


def _wait(context: ChangeContext, last_word: str) -> Pause:
    waited = clock.now() - (context.change.order_intent_at or clock.now())
    if waited > timedelta(seconds=settings.FOLLOW_SECONDS):
        message = f"{context.provider_name} has not finished after {duration(waited)}. {last_word}".strip()
        return context.end("needs_attention", message)
    return min(max(waited.total_seconds() * 0.1, 0.2), 1.5)
