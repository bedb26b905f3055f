"""Sets automatic deploys back to what they were, when a rollback is left or had no effect.

What somebody else has put in front of users since the order is protected by the same setting: it stays off
then, and so does the pin, which keeps the setting from before for whoever leaves the rollback.
"""

from __future__ import annotations

from deployments.models import Change, Pin
from deployments.models.auto_deploy import AUTO_DEPLOY_TEXT
from deployments.operations.pins import release_pin, revert_pin
from deployments.operations.steps.context import ChangeContext, Pause
from deployments.providers.base import Current, ProviderError, Refused
from deployments.providers.vercel.order_progress import asked_for, is_new


def finish_without_effect(
    context: ChangeContext, final_status: str, message: str, error: ProviderError | None = None
) -> Pause:
    """End a change that had no effect on users; automatic deploys that it switched off are restored first.

    Args:
        final_status: the status it ends in.
        message: why, in a sentence for people.
        error: what the provider answered, if that is the reason.
    """
    change = context.change
    switched_off = change.status == "pinning" or Pin.objects.standing().filter(change=change).exists()
    if not switched_off:
        return context.end(final_status, message, error=error)
    request_id = error.request_id if error else change.provider_request_id
    context.advance(
        "restoring",
        final_status=final_status,
        message=message,
        evidence=change.evidence,
        provider_request_id=request_id,
    )
    return 0.0


def switch_auto_deploy_back(context: ChangeContext) -> Pause:
    """Switch automatic deploys back, then end in the status that was decided before."""
    change, setting = context.change, context.change.auto_deploy_before
    leaving = change.final_status == "succeeded"
    was = AUTO_DEPLOY_TEXT.get(setting, setting)
    others = "" if leaving else _what_others_did(context)
    if others:
        kept = f"Automatic deploys were not switched back to “{was}”, and the pin stands."
        return context.end(change.final_status, f"{change.message} {others} {kept}")
    if setting:
        try:
            context.provider.unpin(change.service.provider_id, setting)
        except Refused as error:
            still = f"Automatic deploys are still off; they were “{was}”"
            message = f"{error} {still}: switch them back at {context.provider_name}."
            return context.end(
                "failed" if leaving else change.final_status,
                f"{change.message} {message}".strip(),
                error=error,
            )
        result = (
            "Automatic deploys stay off." if setting == "off" else f"Automatic deploys are “{was}” again."
        )
    else:
        result = f"What automatic deploys were before is not known: look at them at {context.provider_name}."
    if leaving:
        return context.end(
            "succeeded", f"{_left_message(change)} {result}", in_transaction=lambda: release_pin(change)
        )
    return context.end(
        change.final_status, f"{change.message} {result}", in_transaction=lambda: revert_pin(change)
    )


def _what_others_did(context: ChangeContext) -> str:
    """What has moved since the order without the portal, as a sentence; "" if nothing has.

    Raises ProviderError if that could not be read, except Refused, which is permanent.
    """
    change = context.change
    try:
        current = context.provider.current(change.service.provider_id)
        deployment = _deployment_under_way(context, current)
    except Refused as error:
        return f"{error} Whether somebody else has moved traffic meanwhile is unknown."
    if current.auto_deploy not in {None, "off"}:
        return ""  # on already, so it protects nothing
    before = change.order_record.get("live_before")
    if before and current.live_id != before:
        return f"Live is {current.live_id or 'unknown'} now, not {before} as before."
    if _somebody_moved_the_domains(change, current):
        return "Somebody else has moved the production domains meanwhile."
    return f"Somebody else's deployment {deployment} is under way." if deployment else ""


def _somebody_moved_the_domains(change: Change, current: Current) -> bool:
    """At Vercel, whether the last move is neither the one from before the order nor the order's own."""
    move, order = current.alias_request, change.order
    if order is None:
        return move is not None
    return is_new(move, order) and not asked_for(move, order)


def _deployment_under_way(context: ChangeContext, current: Current) -> str:
    """At Render, one that came after the order, is not the portal's, and was not started by a push."""
    change = context.change
    new = {*current.running} - {*change.order_record.get("known", ()), change.provider_ref}
    if not new:
        return ""
    listed = context.provider.deployments(change.service.provider_id).deployments
    return next((one.id for one in listed if one.id in new and one.trigger != "new_commit"), "")


def _left_message(change: Change) -> str:
    traffic = (
        f"{change.to_deployment} is in front of users." if change.to_deployment else "Traffic did not move."
    )
    return f"The rollback of {change.service.short} is left. {traffic}"
