"""What else changes besides the code, shown before anybody confirms."""

from __future__ import annotations

from deployments.models import Deployment, OperationKind, Pin, Service
from deployments.operations.auto_deploy import AUTO_DEPLOY_TEXT


def consequences(
    kind: OperationKind, service: Service, target: Deployment | None, pin: Pin | None
) -> tuple[str, ...]:
    render = service.provider == Service.ProviderChoice.RENDER
    if kind == OperationKind.LEAVE:
        return _also_leave(service, target, pin)
    if render:
        return (
            "Start command, health check, instance count and environment variables come back "
            "as they were saved with that deployment.",
            "The pre-deploy command may run again; disks, plan and custom domains stay as they are.",
            "Automatic deploys go off and stay off until somebody leaves the rollback.",
        )
    domains = (
        ", ".join(address.removeprefix("https://").rstrip("/") for address in service.addresses)
        or "all production domains"
    )
    moved = (
        f"Domains that move: {domains}.",
        "Environment variables are those of that build; cron jobs follow it.",
    )
    if kind == OperationKind.PROMOTE:
        return (*moved, "Automatic assignment of domains goes on again, which ends a rollback.")
    return (*moved, "New pushes build but stay staged until somebody leaves the rollback.")


def _also_leave(service: Service, target: Deployment | None, pin: Pin | None) -> tuple[str, ...]:
    before = AUTO_DEPLOY_TEXT.get(pin.auto_deploy_before if pin else "", "unknown")
    if target is None:
        return (
            f"Traffic does not move: {service.live or 'the live deployment'} stays in front of users.",
            f"Automatic deploys go back to “{before}”: "
            f"the next push to {service.branch or 'the branch'} brings all later commits.",
        )
    return (f"{target} goes in front of users again.", f"Automatic deploys go back to “{before}”.")
