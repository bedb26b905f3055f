"""Cancels running builds first: a rollback would queue behind them, or they would go live after it."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from deployments.operations.steps.context import ChangeContext, Pause
from deployments.operations.steps.restore_auto_deploy import finish_without_effect
from deployments.providers.base import Refused
from rollback_portal.jobs import clock

ASK_EVERY = 1.0  # seconds


def cancel_running_builds(context: ChangeContext) -> Pause:
    """Cancel every running build; go on once the provider confirms that none is running."""
    change = context.change
    if change.cancel_requested_at is not None:
        return finish_without_effect(
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
    builds = ", ".join(running)
    if clock.now() - change.operation.requested_at > timedelta(seconds=settings.FOLLOW_SECONDS / 2):
        message = (
            f"{context.provider_name} still shows {builds} as being built. Nothing was put in front of users."
        )
        return finish_without_effect(context, "failed", message)
    for deployment_id in running:
        _cancel_once(context, deployment_id)
    context.note(message=f"{context.provider_name} is canceling {builds}.", provider_answered_at=clock.now())
    return ASK_EVERY


def _cancel_once(context: ChangeContext, deployment_id: str) -> None:
    change, evidence_key = context.change, f"canceled {deployment_id}"
    if evidence_key in change.evidence:
        return
    try:
        context.provider.cancel(change.service.provider_id, deployment_id)
        result = f"{context.provider_name} was asked to cancel it"
    except Refused as error:
        result = str(error)
    context.note(evidence={**change.evidence, evidence_key: result})
