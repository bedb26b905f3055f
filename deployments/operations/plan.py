"""A plan: what an operation will do to one service, drawn before anybody confirms it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from deployments.history import Commit, being_built, commits_between
from deployments.models import Change, Deployment, Kind, Pin, Service
from deployments.operations import eligibility
from deployments.operations.plan_consequences import consequences
from deployments.operations.plan_steps import Step, steps_of
from deployments.operations.plan_token import new_token, world


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen. `why_not` is the reason that it cannot, "" where it can."""

    kind: Kind
    service: Service
    live: Deployment | None
    target: Deployment | None
    pin: Pin | None
    title: str
    button: str
    steps: tuple[Step, ...]
    also: tuple[str, ...]
    commits: Sequence[Commit]
    building: Sequence[Deployment]
    cancel_builds_first: bool
    why_not: str
    token: str = field(repr=False, default="")

    def stored(self) -> dict[str, Any]:
        """The plan as the operation keeps it, so that its page can draw it for ever."""
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
            "world": world(self.service),
        }


def make_plan(
    kind: Kind,
    service: Service,
    target: Deployment | None,
    active: Change | None,
    pin: Pin | None,
    *,
    cancel_builds_first: bool = True,
) -> Plan:
    """Draw the plan for one service.

    Args:
        kind: what to do.
        target: the deployment to put in front of users; None only for leaving a rollback without
            moving traffic.
        clears: whether deployments that are still being built are canceled first.
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
        why_not=_why_not(kind, service, target, active, pin),
        token=new_token(kind, service, target),
    )


def _title(kind: Kind, service: Service, target: Deployment | None, *, short: bool = False) -> str:
    if kind == Kind.LEAVE:
        return f"Leave the rollback of {service.short}"
    assert target is not None  # noqa: S101 - only leaving a rollback has no target
    what = target.short_sha if short else str(target)
    return (
        f"Roll back {service.short} to {what}" if kind == Kind.ROLL_BACK else f"Promote {what} to production"
    )


def _why_not(
    kind: Kind, service: Service, target: Deployment | None, active: Change | None, pin: Pin | None
) -> str:
    if kind == Kind.LEAVE:
        return _why_not_leave(service, target, active, pin)
    assert target is not None  # noqa: S101
    reason = eligibility.why_not(target, service, active, pin)
    if not reason and eligibility.act_for(target) != kind:
        return f"this deployment is for “{eligibility.button_words(target)}”"
    return reason


def _why_not_leave(
    service: Service, target: Deployment | None, active: Change | None, pin: Pin | None
) -> str:
    if pin is None:
        return f"{service.short} is not pinned: there is no rollback to leave"
    if active is not None:
        return f"{active.operation.requested_by_name} has an operation under way on {service.short}"
    return eligibility.why_not_again(target, service) if target else ""
