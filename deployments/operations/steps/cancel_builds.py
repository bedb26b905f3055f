"""A deployment that is still being built would stand in the way, or go live after us: cancel it first."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from deployments.operations.steps.context import ChangeContext, Next
from deployments.operations.steps.restore_auto_deploy import undo
from deployments.providers.base import Refused

BETWEEN_QUESTIONS = 1.0  # seconds


def clear(context: ChangeContext) -> Next:
    """Cancel what is being built, and go on only when the provider confirms that nothing is any more."""
    change = context.change
    if change.cancel_requested_at is not None:
        return undo(
            context,
            "canceled",
            f"{change.cancel_requested_by} canceled it; nothing was put in front of users.",
        )
    running = context.provider.current(change.service.provider_id).running
    if not running:
        context.advance(
            "queued", message=f"{context.provider_name} confirms that nothing is being built any more."
        )
        return 0.0
    named = ", ".join(running)
    if timezone.now() - change.operation.requested_at > timedelta(seconds=settings.FOLLOW_SECONDS / 2):
        said = (
            f"{context.provider_name} still shows {named} as being built. Nothing was put in front of users."
        )
        return undo(context, "failed", said)
    for deployment_id in running:
        _cancel_once(context, deployment_id)
    context.note(
        message=f"{context.provider_name} is canceling {named}.", provider_answered_at=timezone.now()
    )
    return BETWEEN_QUESTIONS


def _cancel_once(context: ChangeContext, deployment_id: str) -> None:
    change, asked = context.change, f"canceled {deployment_id}"
    if asked in change.evidence:
        return
    try:
        context.provider.cancel(change.service.provider_id, deployment_id)
        said = f"{context.provider_name} was asked to cancel it"
    except Refused as error:
        said = str(error)
    context.note(evidence={**change.evidence, asked: said})
