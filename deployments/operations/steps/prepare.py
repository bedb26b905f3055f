"""Checks everything again before the first change is made, then switches automatic deploys off."""

from __future__ import annotations

from django.conf import settings
from django.utils.module_loading import import_string

from deployments.metrics.version_check import compare_live_version
from deployments.models import OPERATE, Change, Deployment, OperationKind, Pin
from deployments.models.deployment import SERVABLE
from deployments.models.served_window import ENOUGH
from deployments.operations.obstacles import obstacle
from deployments.operations.pins import auto_deploy_to_restore, set_pin, without_pin
from deployments.operations.steps.check_served import keep_evidence
from deployments.operations.steps.context import ChangeContext, Pause
from deployments.operations.steps.restore_auto_deploy import finish_without_effect
from deployments.operations.steps.send_order import (
    commit_intent,
    look_before_sending_again,
    new_order_record,
    send,
)
from deployments.providers.auto_deploy import finer
from deployments.providers.base import Current, Missing, Refused
from deployments.providers.vercel.rolling_release import is_same
from deployments.sync.reading import look_at
from deployments.sync.saving import save_look
from rollback_portal.jobs import clock, mutual_exclusion

ASK_DATABASES_EVERY = 2.0  # seconds


def start_change(context: ChangeContext) -> Pause:
    """Take the first step, if everything still is as the person saw it when confirming."""
    change = context.change
    reason = _not_allowed_any_more(change)
    if change.cancel_requested_at is not None:
        sent = "the order that was sent did not arrive" if change.resends else ""
        sent = sent or f"nothing was sent to {context.provider_name}"
        return finish_without_effect(
            context, "canceled", f"{change.cancel_requested_by} canceled it; {sent}."
        )
    if reason:
        return finish_without_effect(context, "failed", f"{reason} This operation changed nothing.")
    pause = _wait_for_database_rollback(context)
    if pause is None and change.resends:
        pause = look_before_sending_again(context)
    if pause is not None:
        return pause
    try:
        _check_target(context)
        current = context.provider.current(change.service.provider_id)
    except Refused as error:
        return finish_without_effect(context, "failed", f"{error} Nothing was changed.", error)
    final_status, message = _changed_since_confirmed(context, current)
    if final_status:
        return finish_without_effect(context, final_status, message)
    return _take_first_step(context, current)


def _not_allowed_any_more(change: Change) -> str:
    """Why the change may not start any more; "" where it may."""
    if clock.now() - change.operation.requested_at > change.INTENT_EXPIRES:
        last_word = f" Its last word: “{change.message}”" if change.message else ""
        return f"It waited for more than 10 minutes and was not run.{last_word}"
    user = change.operation.requested_by
    if user is not None and not (user.is_active and user.has_perm(OPERATE)):
        return f"{change.operation.requested_by_name} may no longer do this."
    return ""


def _wait_for_database_rollback(context: ChangeContext) -> Pause:
    """Seconds to wait while a database rollback of the same environment runs; None where none does."""
    service = context.change.service
    with mutual_exclusion.exclusive_start():
        database_rollback: str = import_string(settings.DATABASE_UNDER_WAY)(
            [service.slug, service.provider_id]
        )
    if database_rollback:
        context.note(message=f"Waits: {database_rollback}")
        return ASK_DATABASES_EVERY
    return None


def _check_target(context: ChangeContext) -> None:
    """Raise Refused where the provider has deleted the target or cannot put it in front of users.

    Its row says so from then on, so that it is not offered again.
    """
    target = context.change.to_deployment
    if target is None:
        return
    try:
        remote = look_at(target, context.provider)
    except Missing:
        save_look(target, None, clock.now())
        raise
    save_look(target, remote, clock.now())
    if reason := obstacle(remote, context.provider_name):
        raise Refused(f"{target.short_sha} cannot serve: {reason}.", status=409)
    if remote.status not in SERVABLE:
        raise Refused(
            f"{context.provider_name} says {target.short_sha} is “{remote.raw_status}”.", status=409
        )


def _changed_since_confirmed(context: ChangeContext, current: Current) -> tuple[str, str]:
    """The final status and message where live or pin is not what the person saw; else two empty strings."""
    change, seen = context.change, context.change.operation.plan["snapshot"]
    target = change.to_deployment
    if current.live_id == seen["live"] and _release_changed(context, current):
        return "failed", (
            "Changed meanwhile: a rolling release has started or ended. This operation changed nothing."
        )
    if current.live_id == seen["live"] and not _pin_changed(context, current):
        return "", ""
    if current.live_id == seen["live"]:
        return "failed", "Changed meanwhile: the pin was set or removed. This operation changed nothing."
    if target is not None and current.live_id == target.provider_id:
        return _is_there_already(context, target, without_pin(change, current.auto_deploy))
    now = Deployment.objects.filter(service=change.service, provider_id=current.live_id or "").first()
    return "failed", (
        f"Changed meanwhile: live was {seen['live_name']} when this was requested, "
        f"now it is {now or current.live_id or 'unknown'}. This operation changed nothing."
    )


def _is_there_already(context: ChangeContext, target: Deployment, undone: str) -> tuple[str, str]:
    """If somebody else has put the target in front of users, treat it like the portal's own order.

    `undone` says what that order would have done besides.
    """
    done = f"Nothing to do: somebody else has put {target.short_sha} in front of users already."
    comparison = compare_live_version(context.change.service, target.commit_sha)
    if comparison.wrong:
        return "failed", f"{done} But users get something else. {comparison.message}"
    said = keep_evidence(context, comparison, comparison.window.latest(ENOUGH))
    return "succeeded", f"{done} {said} {undone}".strip()


def _release_changed(context: ChangeContext, current: Current) -> bool:
    """Whether another rolling release is active than the person saw; False where it could not be read."""
    seen = context.change.operation.plan["snapshot"].get("release")
    release = current.rolling_release
    now = release.identity if release is not None and release.active else ""
    if seen is None or not current.release_known or context.change.resends:
        return False
    return not is_same(seen, now)


def _pin_changed(context: ChangeContext, current: Current) -> bool:
    """Whether somebody else pinned or unpinned since; False where either state is unknown."""
    seen = context.change.operation.plan["snapshot"]["pinned"]
    ours = Pin.objects.standing().filter(change=context.change).exists()
    return not ours and None not in (seen, current.pinned) and seen != current.pinned


def _take_first_step(context: ChangeContext, current: Current) -> Pause:
    change = context.change
    if current.running and change.cancel_builds_first and change.to_deployment is not None:
        context.advance(
            "clearing", message=f"{context.provider_name} is still building {', '.join(current.running)}."
        )
        return 0.0
    if change.operation.kind == OperationKind.LEAVE:
        keep_off = change.operation.plan.get("keep_auto_deploy_off", False)
        change.auto_deploy_before = "off" if keep_off else auto_deploy_to_restore(change.service)
    elif not change.auto_deploy_before:
        change.auto_deploy_before = finer(current.auto_deploy, change.service.auto_deploy) or ""
    if change.to_deployment is None:
        context.advance("restoring", auto_deploy_before=change.auto_deploy_before, final_status="succeeded")
        return 0.0
    if change.resends:
        return _send_second_order(context)
    try:
        order_record = new_order_record(context, current)
    except Refused as error:
        return finish_without_effect(context, "failed", f"{error} Nothing was changed.", error)
    if _pins_first(context):
        context.advance(
            "pinning",
            auto_deploy_before=change.auto_deploy_before,
            order_record=order_record,
            in_transaction=lambda: set_pin(change),
        )
        return 0.0
    return send(context, commit_intent(context, order_record))


def _pins_first(context: ChangeContext) -> bool:
    """Vercel pins with the rollback itself."""
    return context.change.operation.kind == OperationKind.ROLL_BACK and context.is_render


def _send_second_order(context: ChangeContext) -> Pause:
    """Send the order once more, with its first record, by which either of the two can be recognised.

    It stays in `queued` until then: after each wait everything is checked again, the first order included.
    """
    change = context.change
    if _pins_first(context):
        try:
            context.provider.pin(change.service.provider_id)
        except Refused as error:
            message = f"{error} Automatic deploys could not be switched off, so nothing was sent again."
            return finish_without_effect(context, "failed", message, error)
        pause = look_before_sending_again(context)
        if pause is not None:
            return pause
    return send(context, commit_intent(context, change.order_record))


def switch_auto_deploy_off(context: ChangeContext) -> Pause:
    """Switch automatic deploys off before sending: otherwise a push in between would start a deployment.

    A change may have waited here for as long as in `queued`, so what was checked there is checked again.
    """
    change = context.change
    if change.cancel_requested_at is not None:
        message = (
            f"{change.cancel_requested_by} canceled it before {context.provider_name} received the rollback."
        )
        return finish_without_effect(context, "canceled", message)
    if reason := _not_allowed_any_more(change):
        return finish_without_effect(context, "failed", f"{reason} Nothing was rolled back.")
    try:
        current = context.provider.current(change.service.provider_id)
        _, message = _changed_since_confirmed(context, current)
        if message:
            return finish_without_effect(context, "failed", message)
        context.provider.pin(change.service.provider_id)
    except Refused as error:
        message = f"{error} Automatic deploys could not be switched off, so nothing was rolled back."
        return finish_without_effect(context, "failed", message, error)
    return send(context, commit_intent(context, change.order_record))
