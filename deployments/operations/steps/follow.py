"""Follows an accepted order to its end, then checks the public addresses for the new version."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from deployments.models import OperationKind
from deployments.models.operation import UNCHECKED
from deployments.operations.pins import release_pin, revert_pin
from deployments.operations.steps.context import ChangeContext, Pause
from deployments.operations.steps.restore_auto_deploy import finish_without_effect
from deployments.operations.steps.send_order import stored_order_record
from deployments.providers.base import Phase, ProviderError, Refused
from deployments.sync.version_check import compare_live_version
from rollback_portal.text import duration


def follow_progress(context: ChangeContext) -> Pause:
    """Ask the provider how far the order is: accepted does not mean done."""
    change = context.change
    if change.cancel_requested_at is not None and "cancel" not in change.evidence:
        _cancel_at_provider(context)
    progress = context.provider.progress(stored_order_record(change))
    context.note(
        provider_status=progress.raw_status, provider_answered_at=timezone.now(), message=progress.message
    )
    if progress.phase == Phase.DONE:
        context.advance("serving")
        return 0.0
    if progress.phase == Phase.FAILED and progress.failed_aliases:
        change.evidence = {**change.evidence, "failed domains": ", ".join(progress.failed_aliases)}
        in_transaction = None if _is_still_pinned(context) else lambda: revert_pin(change)
        return context.end("failed", progress.message, in_transaction=in_transaction)
    if progress.phase == Phase.FAILED:
        return finish_without_effect(context, "failed", progress.message)
    if progress.phase == Phase.CANCELED:
        return finish_without_effect(
            context, "canceled" if change.cancel_requested_at else "failed", progress.message
        )
    return _wait(context)


def _is_still_pinned(context: ChangeContext) -> bool:
    """Whether the provider keeps the service pinned although the move failed; True where it does not say."""
    try:
        return context.provider.current(context.change.service.provider_id).pinned is not False
    except ProviderError:
        return True


def _cancel_at_provider(context: ChangeContext) -> None:
    change = context.change
    try:
        context.provider.cancel(change.service.provider_id, change.provider_ref)
        message = f"{context.provider_name} was asked to cancel {change.provider_ref}"
    except Refused as error:
        message = f"{context.provider_name} did not cancel it: {error}"
    context.note(evidence={**change.evidence, "cancel": message})


def _wait(context: ChangeContext) -> Pause:
    waited = timezone.now() - (context.change.order_intent_at or timezone.now())
    if waited > timedelta(seconds=settings.FOLLOW_SECONDS):
        message = f"{context.provider_name} has not finished after {duration(waited)}."
        return context.end("needs_attention", message)
    return min(max(waited.total_seconds() * 0.1, 0.2), 1.5)


def check_public_addresses(context: ChangeContext) -> Pause:
    """Check from outside that users get the target: the provider's answer alone is not enough."""
    change, target = context.change, context.change.to_deployment
    assert target is not None  # noqa: S101 - changes without a target skip this status
    comparison = compare_live_version(change.service, target.commit_sha)
    if comparison.wrong:
        released = datetime.fromisoformat(change.status_times["serving"])
        if timezone.now() - released < timedelta(seconds=settings.SERVE_SECONDS):
            context.note(message=comparison.message)
            return 1.0
        return context.end(
            "failed",
            f"{context.provider_name} says it is done, but users get something else. {comparison.message}",
        )
    if not comparison.certain:
        change.evidence = {**change.evidence, UNCHECKED: comparison.message}
    if change.operation.kind == OperationKind.LEAVE and _auto_deploy_needs_restoring(context):
        context.advance(
            "restoring", final_status="succeeded", message=comparison.message, evidence=change.evidence
        )
        return 0.0
    kind = change.operation.kind
    ends_pin = kind == OperationKind.LEAVE or (kind == OperationKind.PROMOTE and not context.is_render)
    in_transaction = (lambda: release_pin(change)) if ends_pin else None
    message = f"{change.service.short} is on {target.short_sha} “{target.subject}”. {comparison.message}"
    return context.end("succeeded", message, in_transaction=in_transaction)


def _auto_deploy_needs_restoring(context: ChangeContext) -> bool:
    """Promoting on Vercel turns automatic assignment of domains on; that is wrong where it was off before."""
    return context.is_render or context.change.auto_deploy_before == "off"
