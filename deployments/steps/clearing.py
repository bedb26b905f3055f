"""A deployment that is still being built would stand in the way, or go live after us: cancel it first."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from deployments.providers.base import Refused
from deployments.steps.restoring import undo
from deployments.steps.run import Next, Run

BETWEEN_QUESTIONS = 1.0  # seconds


def clear(run: Run) -> Next:
    """Cancel what is being built, and go on only when the provider confirms that nothing is any more."""
    change = run.change
    if change.cancel_asked_at is not None:
        return undo(
            run, "canceled", f"{change.cancel_asked_by} canceled it; nothing was put in front of users."
        )
    running = run.provider.current(change.service.provider_id).running
    if not running:
        run.move("queued", sentence=f"{run.provider_name} confirms that nothing is being built any more.")
        return 0.0
    named = ", ".join(running)
    if timezone.now() - change.operation.requested_at > timedelta(seconds=settings.FOLLOW_SECONDS / 2):
        said = f"{run.provider_name} still shows {named} as being built. Nothing was put in front of users."
        return undo(run, "failed", said)
    for deployment_id in running:
        _cancel_once(run, deployment_id)
    run.note(sentence=f"{run.provider_name} is canceling {named}.", heard_at=timezone.now())
    return BETWEEN_QUESTIONS


def _cancel_once(run: Run, deployment_id: str) -> None:
    change, asked = run.change, f"canceled {deployment_id}"
    if asked in change.evidence:
        return
    try:
        run.provider.cancel(change.service.provider_id, deployment_id)
        said = f"{run.provider_name} was asked to cancel it"
    except Refused as error:
        said = str(error)
    run.note(evidence={**change.evidence, asked: said})
