"""The numbered steps of a plan; the progress page shows the same ones as its checklist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.history import usual_seconds
from deployments.models import Deployment, OperationKind, Service
from deployments.models.auto_deploy import AUTO_DEPLOY_TEXT


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step. `status` is the change's status while it runs, `usually` how long it takes, as text."""

    status: str
    message: str
    usually: str = ""


def steps_of(
    kind: OperationKind,
    service: Service,
    target: Deployment | None,
    restored: str,
    cancel_builds_first: Sequence[Deployment] = (),
) -> tuple[PlanStep, ...]:
    """The steps in order.

    Args:
        restored: the setting of automatic deployments after leaving a rollback, "" where it is unknown.
        cancel_builds_first: the builds to cancel before anything else.
    """
    provider, render = service.get_provider_display(), service.provider == Service.ProviderChoice.RENDER
    steps: list[PlanStep] = []
    if cancel_builds_first:
        named = ", ".join(str(deployment) for deployment in cancel_builds_first)
        steps.append(
            PlanStep("clearing", f"Cancel {named}, which is being built; {provider} confirms", "10 s")
        )
    if kind == OperationKind.ROLL_BACK and render:
        steps.append(PlanStep("pinning", "Switch automatic deploys off", "1 s"))
    if target is not None:
        ask = "roll back" if kind == OperationKind.ROLL_BACK or render else "promote"
        steps.append(PlanStep("sending", f"Ask {provider} to {ask}", "2 s"))
        wait = (
            f"Wait until {provider} has released {target.short_sha}"
            if render
            else f"Wait until every production domain points to {target.short_sha}"
        )
        steps.append(PlanStep("accepted", wait, usual_seconds(service, kind)))
        steps.append(PlanStep("serving", _check_sentence(service, target), "3 s"))
    if kind == OperationKind.LEAVE and (render or target is None):
        steps.append(PlanStep("restoring", _restore_sentence(restored), "1 s"))
    return tuple(steps)


def _restore_sentence(restored: str) -> str:
    if restored == "off":
        return "Leave automatic deploys off"
    return f"Switch automatic deploys back to “{AUTO_DEPLOY_TEXT.get(restored, restored)}”"


def _check_sentence(service: Service, target: Deployment) -> str:
    if not service.addresses:
        return f"Rely on {service.get_provider_display()}: no public address is known to check"
    return f"Check from outside that {service.name} serves {target.short_sha}"
