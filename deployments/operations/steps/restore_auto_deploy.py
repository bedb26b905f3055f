"""Put automatic deployments back to exactly what they were, at the end of a rollback or of a failed one."""

from __future__ import annotations

from deployments.models import Change, Pin
from deployments.operations.auto_deploy import AUTOMATIC
from deployments.operations.pins import close_pin, drop_pin
from deployments.operations.steps.context import ChangeContext, Next
from deployments.providers.base import ProviderError, Refused


def undo(context: ChangeContext, final_status: str, message: str, error: ProviderError | None = None) -> Next:
    """End without effect on users; what was switched off for this change is switched back first."""
    change = context.change
    switched_off = change.status == "pinning" or Pin.objects.filter(change=change, released_at=None).exists()
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


def restore(context: ChangeContext) -> Next:
    """Restore the setting, then end with the verdict that brought us here."""
    change, setting = context.change, context.change.auto_deploy_before
    left = change.final_status == "succeeded"
    was = AUTOMATIC.get(setting, setting)
    if setting:
        try:
            context.provider.unpin(change.service.provider_id, setting)
        except Refused as error:
            still = f"Automatic deploys are still off; they were “{was}”"
            said = f"{error} {still}: switch them back at {context.provider_name}."
            return context.end(
                "failed" if left else change.final_status, f"{change.message} {said}".strip(), error=error
            )
        said = f"Automatic deploys are “{was}” again."
    else:
        said = f"What automatic deploys were before is not known: look at them at {context.provider_name}."
    if left:
        return context.end("succeeded", f"{_where(change)} {said}", closing=lambda: close_pin(change))
    return context.end(change.final_status, f"{change.message} {said}", closing=lambda: drop_pin(change))


def _where(change: Change) -> str:
    where = (
        f"{change.to_deployment} is in front of users." if change.to_deployment else "Traffic did not move."
    )
    return f"The rollback of {change.service.short} is left. {where}"
