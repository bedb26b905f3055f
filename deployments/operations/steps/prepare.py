"""Before anything is sent: look at the world once more, then switch automatic deploys off."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from deployments.models import Change, Deployment, Kind, Pin
from deployments.operations.pins import setting_to_leave_with
from deployments.operations.steps.context import ChangeContext, Next
from deployments.operations.steps.restore_auto_deploy import undo
from deployments.operations.steps.send_order import commit_intent, new_ticket, send
from deployments.providers.base import (
    Busy,
    Current,
    DeploymentStatus,
    ProviderError,
    Refused,
    Unclear,
    Unreachable,
)
from rollback_portal.accounts.roles import OPERATE
from rollback_portal.jobs import mutual_exclusion

WAIT_FOR_DATABASE = 2.0  # seconds between two looks
SERVABLE = {DeploymentStatus.READY, DeploymentStatus.LIVE, DeploymentStatus.RETIRED}


def begin(context: ChangeContext) -> Next:
    """Only what the person saw may happen: everything is checked again before the first change."""
    change = context.change
    refusal = _too_late_or_not_allowed(change)
    if change.cancel_requested_at is not None:
        sent = "the order that was sent did not arrive" if change.resends else ""
        sent = sent or f"{context.provider_name} was asked for nothing"
        return undo(context, "canceled", f"{change.cancel_requested_by} canceled it; {sent}.")
    if refusal:
        return undo(context, "failed", f"{refusal} Nothing was changed by it.")
    held = _held_by_a_database(context)
    if held:
        return held
    try:
        _look_at_target(context)
        current = context.provider.current(change.service.provider_id)
    except Refused as error:
        return undo(context, "failed", f"{error} Nothing was changed.", error)
    final_status, message = _compare(context, current)
    return undo(context, final_status, message) if final_status else _set_out(context, current)


def _too_late_or_not_allowed(change: Change) -> str:
    if timezone.now() - change.operation.requested_at > change.INTENT_EXPIRES:
        return "It waited for more than 10 minutes and was not run."
    user = change.operation.requested_by
    if user is not None and not (user.is_active and user.has_perm(OPERATE)):
        return f"{change.operation.requested_by_name} may no longer do this."
    return ""


def _held_by_a_database(context: ChangeContext) -> Next:
    """While a database rollback of the same environment runs, code waits."""
    service = context.change.service
    with mutual_exclusion.exclusive_start():
        moving: str = import_string(settings.DATABASE_UNDER_WAY)([service.slug, service.provider_id])
    if moving:
        context.note(message=f"Waits: {moving}")
        return WAIT_FOR_DATABASE
    return None


def _look_at_target(context: ChangeContext) -> None:
    """A target that the provider no longer keeps, or cannot serve, is refused before anything moves."""
    target = context.change.to_deployment
    if target is None:
        return
    remote = context.provider.deployment(context.change.service.provider_id, target.provider_id)
    if remote.status not in SERVABLE:
        raise Refused(
            f"{context.provider_name} says {target.short_sha} is “{remote.raw_status}”.", status=409
        )


def _compare(context: ChangeContext, current: Current) -> tuple[str, str]:
    """The verdict and its sentence where the world is not what the person saw; empty where it is."""
    change, seen = context.change, context.change.operation.plan["world"]
    target = change.to_deployment
    if current.live_id == seen["live"] and not _pin_moved(context, current):
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


def _pin_moved(context: ChangeContext, current: Current) -> bool:
    """Somebody pinned or unpinned meanwhile; what is unknown on either side has not moved."""
    seen = context.change.operation.plan["world"]["pinned"]
    ours = Pin.objects.filter(change=context.change, released_at=None).exists()
    return not ours and None not in (seen, current.pinned) and seen != current.pinned


def _set_out(context: ChangeContext, current: Current) -> Next:
    change = context.change
    if current.running and change.cancel_builds_first and change.to_deployment is not None:
        context.advance(
            "clearing", message=f"{context.provider_name} is still building {', '.join(current.running)}."
        )
        return 0.0
    if change.operation.kind == Kind.LEAVE:
        change.auto_deploy_before = setting_to_leave_with(change.service)
    elif not change.auto_deploy_before:
        change.auto_deploy_before = current.automatic or ""
    if change.to_deployment is None:
        context.advance("restoring", auto_deploy_before=change.auto_deploy_before, final_status="succeeded")
        return 0.0
    order_record = new_ticket(context, current)
    if change.operation.kind == Kind.ROLL_BACK and context.is_render:
        context.advance("pinning", auto_deploy_before=change.auto_deploy_before, order_record=order_record)
        return 0.0
    return send(context, commit_intent(context, order_record))


def pin(context: ChangeContext) -> Next:
    """Switch automatic deploys off first: a push in between would start a deployment."""
    change = context.change
    if change.cancel_requested_at is not None:
        said = (
            f"{change.cancel_requested_by} canceled it before {context.provider_name} was asked to roll back."
        )
        return undo(context, "canceled", said)
    try:
        context.provider.pin(change.service.provider_id)
    except (Unclear, Busy, Unreachable) as error:
        return _pin_later(context, error)
    except Refused as error:
        said = f"{error} Automatic deploys could not be switched off, so nothing was rolled back."
        return undo(context, "failed", said, error)
    return send(context, commit_intent(context, change.order_record))


def _pin_later(context: ChangeContext, error: ProviderError) -> Next:
    """Switching off twice does no harm, so it is simply tried again, until the intent is too old."""
    expired = _too_late_or_not_allowed(context.change)
    if expired:
        return undo(context, "failed", f"{error} {expired} Nothing was rolled back.")
    return context.stumble(error)
