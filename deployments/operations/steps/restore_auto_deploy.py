"""Sets automatic deploys back to what they were, when a rollback is left or had no effect."""

from __future__ import annotations

from deployments.models import Change, Pin
from deployments.operations.auto_deploy import AUTO_DEPLOY_TEXT
from deployments.operations.pins import release_pin, revert_pin
from deployments.operations.steps.context import ChangeContext, Pause
from deployments.providers.base import ProviderError, Refused


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
        result = f"Automatic deploys are “{was}” again."
    else:
        result = f"What automatic deploys were before is not known: look at them at {context.provider_name}."
    if leaving:
        return context.end(
            "succeeded", f"{_left_message(change)} {result}", in_transaction=lambda: release_pin(change)
        )
    return context.end(
        change.final_status, f"{change.message} {result}", in_transaction=lambda: revert_pin(change)
    )


def _left_message(change: Change) -> str:
    traffic = (
        f"{change.to_deployment} is in front of users." if change.to_deployment else "Traffic did not move."
    )
    return f"The rollback of {change.service.short} is left. {traffic}"
