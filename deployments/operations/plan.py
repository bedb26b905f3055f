"""A plan: what an operation will do to one service, shown before anybody confirms it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from deployments.history import Commit, being_built, commits_between
from deployments.models import Change, Deployment, OperationKind, Pin, Service
from deployments.operations import eligibility
from deployments.operations.plan_consequences import consequences
from deployments.operations.plan_steps import PlanStep, steps_of
from deployments.operations.plan_token import new_token, take_snapshot


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen. `ineligible_reason` says why it cannot, "" where it can."""

    kind: OperationKind
    service: Service
    live: Deployment | None
    target: Deployment | None
    pin: Pin | None
    title: str
    button: str
    steps: tuple[PlanStep, ...]
    also: tuple[str, ...]
    commits: Sequence[Commit]
    building: Sequence[Deployment]
    cancel_builds_first: bool
    ineligible_reason: str
    token: str = field(repr=False, default="")

    def stored(self) -> dict[str, Any]:
        """The plan as JSON for `Operation.plan`, from which its page is shown later."""
        return {
            "title": self.title,
            "steps": [
                {"status": step.status, "message": step.message, "usually": step.usually}
                for step in self.steps
            ],
            "also": list(self.also),
            "commits": [
                {"sha": commit.sha, "subject": commit.subject, "author": commit.author}
                for commit in self.commits
            ],
            "snapshot": take_snapshot(self.service),
        }


def make_plan(
    kind: OperationKind,
    service: Service,
    target: Deployment | None,
    active: Change | None,
    pin: Pin | None,
    *,
    cancel_builds_first: bool = True,
) -> Plan:
    """Make the plan for one service.

    Args:
        kind: what to do.
        service: the service, with `live` loaded.
        target: the deployment to put in front of users; None only for leaving a rollback without moving
            traffic.
        active: the service's active change, if any.
        pin: the service's standing pin, if any.
        cancel_builds_first: whether running builds are canceled first.
    """
    building = being_built(service) if target else ()
    cancel_builds_first = cancel_builds_first and bool(building)
    return Plan(
        kind=kind,
        service=service,
        live=service.live,
        target=target,
        pin=pin,
        title=_title(kind, service, target),
        button=_title(kind, service, target, short=True),
        steps=steps_of(kind, service, target, pin, building if cancel_builds_first else ()),
        also=consequences(kind, service, target, pin),
        commits=commits_between(service, service.live, target) if target else (),
        building=building,
        cancel_builds_first=cancel_builds_first,
        ineligible_reason=_ineligible_reason(kind, service, target, active, pin),
        token=new_token(kind, service, target),
    )


def _title(kind: OperationKind, service: Service, target: Deployment | None, *, short: bool = False) -> str:
    if kind == OperationKind.LEAVE:
        return f"Leave the rollback of {service.short}"
    assert target is not None  # noqa: S101 - only leaving a rollback has no target
    what = target.short_sha if short else str(target)
    return (
        f"Roll back {service.short} to {what}"
        if kind == OperationKind.ROLL_BACK
        else f"Promote {what} to production"
    )


def _ineligible_reason(
    kind: OperationKind, service: Service, target: Deployment | None, active: Change | None, pin: Pin | None
) -> str:
    if kind == OperationKind.LEAVE:
        return _cannot_leave_reason(service, target, active, pin)
    assert target is not None  # noqa: S101
    reason = eligibility.ineligible_reason(target, service, active, pin)
    if not reason and eligibility.operation_kind_for(target) != kind:
        return f"this deployment is for “{eligibility.button_text(target)}”"
    return reason


def _cannot_leave_reason(
    service: Service, target: Deployment | None, active: Change | None, pin: Pin | None
) -> str:
    if pin is None:
        return f"{service.short} is not pinned: there is no rollback to leave"
    if active is not None:
        return f"{active.operation.requested_by_name} has an operation under way on {service.short}"
    return eligibility.cannot_return_reason(target, service) if target else ""
