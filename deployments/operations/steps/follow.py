"""After the provider has accepted: follow it to its end, then ask the public addresses who serves."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from deployments.models import Kind, Service
from deployments.models.operation import UNCHECKED
from deployments.operations.pins import close_pin, drop_pin
from deployments.operations.steps.context import ChangeContext, Next
from deployments.operations.steps.restore_auto_deploy import undo
from deployments.operations.steps.send_order import stored_ticket
from deployments.providers.base import Phase, ProviderError, Refused
from deployments.sync.version_check import check_served
from rollback_portal.templatetags.text import duration


def follow(context: ChangeContext) -> Next:
    """Ask where the work stands. Accepted is not done."""
    change = context.change
    if change.cancel_requested_at is not None and "cancel" not in change.evidence:
        _cancel_there(context)
    progress = context.provider.progress(stored_ticket(change))
    context.note(
        provider_status=progress.raw_status, provider_answered_at=timezone.now(), message=progress.message
    )
    if progress.phase == Phase.DONE:
        context.advance("serving")
        return 0.0
    if progress.phase == Phase.FAILED and progress.failed_aliases:
        change.evidence = {**change.evidence, "failed domains": ", ".join(progress.failed_aliases)}
        closing = None if _still_pins(context) else lambda: drop_pin(change)
        return context.end("failed", progress.message, closing=closing)
    if progress.phase == Phase.FAILED:
        return undo(context, "failed", progress.message)
    if progress.phase == Phase.CANCELED:
        return undo(context, "canceled" if change.cancel_requested_at else "failed", progress.message)
    return _wait(context)


def _still_pins(context: ChangeContext) -> bool:
    """Whether the provider pins although the move failed. What it does not say is not taken for a no."""
    try:
        return context.provider.current(context.change.service.provider_id).pinned is not False
    except ProviderError:
        return True


def _cancel_there(context: ChangeContext) -> None:
    change = context.change
    try:
        context.provider.cancel(change.service.provider_id, change.provider_ref)
        said = f"{context.provider_name} was asked to cancel {change.provider_ref}"
    except Refused as error:
        said = f"{context.provider_name} did not cancel it: {error}"
    context.note(evidence={**change.evidence, "cancel": said})


def _wait(context: ChangeContext) -> Next:
    waited = timezone.now() - (context.change.order_intent_at or timezone.now())
    if waited > timedelta(seconds=settings.FOLLOW_SECONDS):
        said = f"{context.provider_name} has not finished after {duration(waited)}."
        return context.end("needs_attention", said)
    return min(max(waited.total_seconds() * 0.1, 0.2), 1.5)


def check(context: ChangeContext) -> Next:
    """The provider's word alone is not a success: ask from outside who serves."""
    change, target = context.change, context.change.to_deployment
    assert target is not None  # noqa: S101 - only changes with a target get here
    answer = check_served(change.service, target.commit_sha)
    if answer.wrong:
        released = datetime.fromisoformat(change.status_times["serving"])
        if timezone.now() - released < timedelta(seconds=settings.SERVE_SECONDS):
            context.note(message=answer.message)
            return 1.0
        return context.end(
            "failed",
            f"{context.provider_name} says it is done, but users get something else. {answer.message}",
        )
    if not answer.certain:
        change.evidence = {**change.evidence, UNCHECKED: answer.message}
    if change.operation.kind == Kind.LEAVE and _differs_from_promoted(context):
        context.advance(
            "restoring", final_status="succeeded", message=answer.message, evidence=change.evidence
        )
        return 0.0
    ends_pin = change.operation.kind == Kind.LEAVE or change.service.provider == Service.Provider.VERCEL
    closing = (lambda: close_pin(change)) if ends_pin and change.operation.kind != Kind.ROLL_BACK else None
    said = f"{change.service.short} is on {target.short_sha} “{target.subject}”. {answer.message}"
    return context.end("succeeded", said, closing=closing)


def _differs_from_promoted(context: ChangeContext) -> bool:
    """Vercel's promote switches domains back on by itself; right, unless they were off before."""
    return context.is_render or context.change.auto_deploy_before == "off"
