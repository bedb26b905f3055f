"""Before anything is sent: look at the world once more, then switch automatic deploys off."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from deployments.models import Change, Deployment, Kind, Pin
from deployments.pins import setting_to_leave_with
from deployments.providers.base import (
    Busy,
    Current,
    DeploymentStatus,
    ProviderError,
    Refused,
    Unclear,
    Unreachable,
)
from deployments.steps.restoring import undo
from deployments.steps.run import Next, Run
from deployments.steps.sending import commit_intent, new_ticket, send
from rollback_portal import holds
from rollback_portal.accounts.roles import OPERATE

WAIT_FOR_DATABASE = 2.0  # seconds between two looks
SERVABLE = {DeploymentStatus.READY, DeploymentStatus.LIVE, DeploymentStatus.RETIRED}


def begin(run: Run) -> Next:
    """Only what the person saw may happen: everything is checked again before the first change."""
    change = run.change
    refusal = _too_late_or_not_allowed(change)
    if change.cancel_asked_at is not None:
        sent = "the order that was sent did not arrive" if change.resends else ""
        sent = sent or f"{run.provider_name} was asked for nothing"
        return undo(run, "canceled", f"{change.cancel_asked_by} canceled it; {sent}.")
    if refusal:
        return undo(run, "failed", f"{refusal} Nothing was changed by it.")
    held = _held_by_a_database(run)
    if held:
        return held
    try:
        _look_at_target(run)
        current = run.provider.current(change.service.provider_id)
    except Refused as error:
        return undo(run, "failed", f"{error} Nothing was changed.", error)
    verdict, sentence = _compare(run, current)
    return undo(run, verdict, sentence) if verdict else _set_out(run, current)


def _too_late_or_not_allowed(change: Change) -> str:
    if timezone.now() - change.operation.requested_at > change.INTENT_EXPIRES:
        return "It waited for more than 10 minutes and was not run."
    user = change.operation.requested_by
    if user is not None and not (user.is_active and user.has_perm(OPERATE)):
        return f"{change.operation.requested_by_name} may no longer do this."
    return ""


def _held_by_a_database(run: Run) -> Next:
    """While a database rollback of the same environment runs, code waits."""
    service = run.change.service
    with holds.moment():
        moving: str = import_string(settings.DATABASE_UNDER_WAY)([service.slug, service.provider_id])
    if moving:
        run.note(sentence=f"Waits: {moving}")
        return WAIT_FOR_DATABASE
    return None


def _look_at_target(run: Run) -> None:
    """A target that the provider no longer keeps, or cannot serve, is refused before anything moves."""
    target = run.change.to_deployment
    if target is None:
        return
    remote = run.provider.deployment(run.change.service.provider_id, target.provider_id)
    if remote.status not in SERVABLE:
        raise Refused(f"{run.provider_name} says {target.short_sha} is “{remote.raw_status}”.", status=409)


def _compare(run: Run, current: Current) -> tuple[str, str]:
    """The verdict and its sentence where the world is not what the person saw; empty where it is."""
    change, seen = run.change, run.change.operation.plan["world"]
    target = change.to_deployment
    if current.live_id == seen["live"] and not _pin_moved(run, current):
        return "", ""
    if current.live_id == seen["live"]:
        return "failed", "Changed under you: the pin was set or taken away since. Nothing was changed by it."
    if target is not None and current.live_id == target.provider_id:
        return (
            "succeeded",
            f"Nothing to do: somebody else has put {target.short_sha} in front of users already.",
        )
    now = Deployment.objects.filter(service=change.service, provider_id=current.live_id or "").first()
    return "failed", (
        f"Changed under you: live was {seen['live_name']} when this was asked for, "
        f"now it is {now or current.live_id or 'unknown'}. Nothing was changed by it."
    )


def _pin_moved(run: Run, current: Current) -> bool:
    """Somebody pinned or unpinned meanwhile; what is unknown on either side has not moved."""
    seen = run.change.operation.plan["world"]["pinned"]
    ours = Pin.objects.filter(change=run.change, left_at=None).exists()
    return not ours and None not in (seen, current.pinned) and seen != current.pinned


def _set_out(run: Run, current: Current) -> Next:
    change = run.change
    if current.running and change.clears and change.to_deployment is not None:
        run.move("clearing", sentence=f"{run.provider_name} is still building {', '.join(current.running)}.")
        return 0.0
    if change.operation.kind == Kind.LEAVE:
        change.settings_before = setting_to_leave_with(change.service)
    elif not change.settings_before:
        change.settings_before = current.automatic or ""
    if change.to_deployment is None:
        run.move("restoring", settings_before=change.settings_before, verdict="succeeded")
        return 0.0
    ticket = new_ticket(run, current)
    if change.operation.kind == Kind.ROLL_BACK and run.is_render:
        run.move("pinning", settings_before=change.settings_before, ticket=ticket)
        return 0.0
    return send(run, commit_intent(run, ticket))


def pin(run: Run) -> Next:
    """Switch automatic deploys off first: a push in between would start a deployment."""
    change = run.change
    if change.cancel_asked_at is not None:
        said = f"{change.cancel_asked_by} canceled it before {run.provider_name} was asked to roll back."
        return undo(run, "canceled", said)
    try:
        run.provider.pin(change.service.provider_id)
    except (Unclear, Busy, Unreachable) as error:
        return _pin_later(run, error)
    except Refused as error:
        said = f"{error} Automatic deploys could not be switched off, so nothing was rolled back."
        return undo(run, "failed", said, error)
    return send(run, commit_intent(run, change.ticket))


def _pin_later(run: Run, error: ProviderError) -> Next:
    """Switching off twice does no harm, so it is simply tried again, until the intent is too old."""
    expired = _too_late_or_not_allowed(run.change)
    if expired:
        return undo(run, "failed", f"{error} {expired} Nothing was rolled back.")
    return run.stumble(error)
