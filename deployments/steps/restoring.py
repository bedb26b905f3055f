"""Put automatic deployments back to exactly what they were, at the end of a rollback or of a failed one."""

from __future__ import annotations

from deployments.models import Change, Pin
from deployments.pins import close_pin, drop_pin
from deployments.plans import AUTOMATIC
from deployments.providers.base import ProviderError, Refused
from deployments.steps.run import Next, Run


def undo(run: Run, verdict: str, sentence: str, error: ProviderError | None = None) -> Next:
    """End without effect on users; what was switched off for this change is switched back first."""
    change = run.change
    switched_off = change.status == "pinning" or Pin.objects.filter(change=change, left_at=None).exists()
    if not switched_off:
        return run.end(verdict, sentence, error=error)
    request_id = error.request_id if error else change.provider_request_id
    run.move(
        "restoring",
        verdict=verdict,
        sentence=sentence,
        evidence=change.evidence,
        provider_request_id=request_id,
    )
    return 0.0


def restore(run: Run) -> Next:
    """Restore the setting, then end with the verdict that brought us here."""
    change, setting = run.change, run.change.settings_before
    left = change.verdict == "succeeded"
    was = AUTOMATIC.get(setting, setting)
    if setting:
        try:
            run.provider.unpin(change.service.provider_id, setting)
        except Refused as error:
            still = f"Automatic deploys are still off; they were “{was}”"
            said = f"{error} {still}: switch them back at {run.provider_name}."
            return run.end(
                "failed" if left else change.verdict, f"{change.sentence} {said}".strip(), error=error
            )
        said = f"Automatic deploys are “{was}” again."
    else:
        said = f"What automatic deploys were before is not known: look at them at {run.provider_name}."
    if left:
        return run.end("succeeded", f"{_where(change)} {said}", closing=lambda: close_pin(change))
    return run.end(change.verdict, f"{change.sentence} {said}", closing=lambda: drop_pin(change))


def _where(change: Change) -> str:
    where = (
        f"{change.to_deployment} is in front of users." if change.to_deployment else "Traffic did not move."
    )
    return f"The rollback of {change.service.short} is left. {where}"
