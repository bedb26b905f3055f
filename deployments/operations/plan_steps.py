"""The numbered steps of a plan; the progress page shows the same ones as its checklist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.history import usual_seconds
from deployments.models import Deployment, OperationKind, Pin, Service
from deployments.operations.auto_deploy import AUTO_DEPLOY_TEXT


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
    pin: Pin | None,
    cancel_builds_first: Sequence[Deployment] = (),
) -> tuple[PlanStep, ...]:
    """The steps in order; `cancel_builds_first` are the builds to cancel before anything else."""
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
    if kind == OperationKind.LEAVE:
        before = AUTO_DEPLOY_TEXT.get(pin.auto_deploy_before if pin else "", "unknown")
        if render or target is None:
            steps.append(PlanStep("restoring", f"Switch automatic deploys back to “{before}”", "1 s"))
    return tuple(steps)


def _check_sentence(service: Service, target: Deployment) -> str:
    if not service.addresses:
        return f"Believe {service.get_provider_display()}: no public address to check is known"
    return f"Check from outside that {service.name} serves {target.short_sha}"
