"""After the provider has accepted: follow it to its end, then ask the public addresses who serves."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from deployments.models import Kind, Service
from deployments.models.operation import UNCHECKED
from deployments.pins import close_pin, drop_pin
from deployments.providers.base import Phase, ProviderError, Refused
from deployments.served import check_served
from deployments.steps.restoring import undo
from deployments.steps.run import Next, Run
from deployments.steps.sending import stored_ticket
from rollback_portal.templatetags.words import duration


def follow(run: Run) -> Next:
    """Ask where the work stands. Accepted is not done."""
    change = run.change
    if change.cancel_asked_at is not None and "cancel" not in change.evidence:
        _cancel_there(run)
    progress = run.provider.progress(stored_ticket(change))
    run.note(provider_status=progress.raw_status, heard_at=timezone.now(), sentence=progress.sentence)
    if progress.phase == Phase.DONE:
        run.move("serving")
        return 0.0
    if progress.phase == Phase.FAILED and progress.failed_aliases:
        change.evidence = {**change.evidence, "failed domains": ", ".join(progress.failed_aliases)}
        closing = None if _still_pins(run) else lambda: drop_pin(change)
        return run.end("failed", progress.sentence, closing=closing)
    if progress.phase == Phase.FAILED:
        return undo(run, "failed", progress.sentence)
    if progress.phase == Phase.CANCELED:
        return undo(run, "canceled" if change.cancel_asked_at else "failed", progress.sentence)
    return _wait(run)


def _still_pins(run: Run) -> bool:
    """Whether the provider pins although the move failed. What it does not say is not taken for a no."""
    try:
        return run.provider.current(run.change.service.provider_id).pinned is not False
    except ProviderError:
        return True


def _cancel_there(run: Run) -> None:
    change = run.change
    try:
        run.provider.cancel(change.service.provider_id, change.provider_ref)
        said = f"{run.provider_name} was asked to cancel {change.provider_ref}"
    except Refused as error:
        said = f"{run.provider_name} did not cancel it: {error}"
    run.note(evidence={**change.evidence, "cancel": said})


def _wait(run: Run) -> Next:
    waited = timezone.now() - (run.change.asked_at or timezone.now())
    if waited > timedelta(seconds=settings.FOLLOW_SECONDS):
        said = f"{run.provider_name} has not finished after {duration(waited)}."
        return run.end("needs_attention", said)
    return min(max(waited.total_seconds() * 0.1, 0.2), 1.5)


def check(run: Run) -> Next:
    """The provider's word alone is not a success: ask from outside who serves."""
    change, target = run.change, run.change.to_deployment
    assert target is not None  # noqa: S101 - only changes with a target get here
    answer = check_served(change.service, target.commit_sha)
    if answer.wrong:
        released = datetime.fromisoformat(change.moments["serving"])
        if timezone.now() - released < timedelta(seconds=settings.SERVE_SECONDS):
            run.note(sentence=answer.sentence)
            return 1.0
        return run.end(
            "failed", f"{run.provider_name} says it is done, but users get something else. {answer.sentence}"
        )
    if not answer.certain:
        change.evidence = {**change.evidence, UNCHECKED: answer.sentence}
    if change.operation.kind == Kind.LEAVE and _differs_from_promoted(run):
        run.move("restoring", verdict="succeeded", sentence=answer.sentence, evidence=change.evidence)
        return 0.0
    ends_pin = change.operation.kind == Kind.LEAVE or change.service.provider == Service.Provider.VERCEL
    closing = (lambda: close_pin(change)) if ends_pin and change.operation.kind != Kind.ROLL_BACK else None
    said = f"{change.service.short} is on {target.short_sha} “{target.subject}”. {answer.sentence}"
    return run.end("succeeded", said, closing=closing)


def _differs_from_promoted(run: Run) -> bool:
    """Vercel's promote switches domains back on by itself; right, unless they were off before."""
    return run.is_render or run.change.settings_before == "off"
