"""A plan: what an operation will do to one service, shown before anybody confirms it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from deployments.history import Commit, being_built, commits_between, is_older
from deployments.models import Change, CommitMark, Deployment, OperationKind, Pin, Service
from deployments.operations import eligibility
from deployments.operations.marks import commit_of, marks_of_commits
from deployments.operations.plan_consequences import (
    Question,
    brings_bad,
    consequences,
    known_bad,
    marked_bad,
    one_step_further,
    same_commit,
)
from deployments.operations.plan_steps import PlanStep, steps_of
from deployments.operations.plan_token import new_token, take_snapshot
from deployments.operations.previous import Past, past_of


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen. `ineligible_reason` says why it cannot, "" where it can.

    `same_commit` and `known_bad` are sentences on the target, `brings_bad` one on the commits that come with
    it. `question` has to be answered before anything is started. `suggested` says why it is what the portal
    suggests, "" where it is another one.
    """

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
    same_commit: str = ""
    known_bad: str = ""
    brings_bad: str = ""
    question: Question | None = None
    suggested: str = ""
    keep_auto_deploy_off: bool = False
    token: str = field(repr=False, default="")

    @property
    def warnings(self) -> list[str]:
        """What else there is to know before anybody confirms it."""
        return [text for text in (self.same_commit, self.known_bad, self.brings_bad, *self.also) if text]

    def stored(self) -> dict[str, Any]:
        """The plan as JSON for `Operation.plan`, from which its page is shown later."""
        return {
            "title": self.title,
            "steps": [
                {"status": step.status, "message": step.message, "usually": step.usually}
                for step in self.steps
            ],
            "also": self.warnings,
            "keep_auto_deploy_off": self.keep_auto_deploy_off,
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
    keep_auto_deploy_off: bool = False,
) -> Plan:
    """Make the plan for one service.

    Args:
        kind: what to do.
        service: the service, with `live` loaded.
        target: what goes in front of users; None only for leaving a rollback without moving traffic.
        active: the service's active change, if any.
        pin: the service's standing pin, if any.
        cancel_builds_first: whether running builds are canceled first.
        keep_auto_deploy_off: leave the rollback without restoring automatic deploys.
    """
    building = being_built(service) if target else ()
    leaves = _canary(service) if target and eligibility.is_base(target, service) else service.live
    past = past_of([service])[service.pk] if target else Past()
    commits = commits_between(service, leaves, target) if target else ()
    marks = _marks(target, commits)
    cancel_builds_first = cancel_builds_first and bool(building)
    restored = "off" if keep_auto_deploy_off else pin.auto_deploy_before if pin else ""
    return Plan(
        kind=kind,
        service=service,
        live=leaves,
        target=target,
        pin=pin,
        title=_title(kind, service, target),
        button=_title(kind, service, target, short=True),
        steps=steps_of(kind, service, target, restored, building if cancel_builds_first else ()),
        also=consequences(kind, service, target, restored),
        commits=commits,
        building=building,
        cancel_builds_first=cancel_builds_first,
        ineligible_reason=_ineligible_reason(kind, service, target, active, pin),
        same_commit=same_commit(service, target) if target else "",
        known_bad=known_bad(past.rolled_back(target)) if target and kind != OperationKind.LEAVE else "",
        brings_bad=brings_bad(_that_come(marks, service, target, kind)),
        question=_question(service, target, past, marks, kind),
        suggested=past.why_suggested(target),
        keep_auto_deploy_off=keep_auto_deploy_off,
        token=new_token(kind, service, target, keep_auto_deploy_off=keep_auto_deploy_off),
    )


def _marks(target: Deployment | None, commits: Sequence[Commit]) -> dict[str, CommitMark]:
    """The marks of the target and of the commits in between, by commit."""
    named = {commit_of(target)} if target else set()
    return marks_of_commits(named | {commit.sha for commit in commits})


def _that_come(
    marks: dict[str, CommitMark], service: Service, target: Deployment | None, kind: OperationKind
) -> list[CommitMark]:
    """The marks of the commits that come to users; a step back takes commits away, and asks."""
    if target is None or service.live is None:
        return []
    brings = is_older(target, service.live) is False
    own = commit_of(target) if kind != OperationKind.ROLL_BACK else ""
    return [
        mark for commit, mark in marks.items() if commit == own or (brings and commit != commit_of(target))
    ]


def _question(
    service: Service,
    target: Deployment | None,
    past: Past,
    marks: dict[str, CommitMark],
    kind: OperationKind,
) -> Question | None:
    if target is None or kind != OperationKind.ROLL_BACK:
        return None
    bad = marked_bad(target, marks.get(commit_of(target)))
    return bad or one_step_further(service, target, past.step_before(target))


def _title(kind: OperationKind, service: Service, target: Deployment | None, *, short: bool = False) -> str:
    if kind == OperationKind.LEAVE:
        return f"Leave the rollback of {service.short}"
    assert target is not None  # noqa: S101 - only leaving a rollback has no target
    what = target.short_sha if short else str(target)
    if eligibility.is_base(target, service):
        return f"Abort the rolling release of {service.short}: everybody back to {what}"
    if eligibility.is_canary(target, service):
        return f"Complete the rolling release of {service.short}: everybody to {what}"
    return (
        f"Roll back {service.short} to {what}"
        if kind == OperationKind.ROLL_BACK
        else f"Promote {what} to production"
    )


def _canary(service: Service) -> Deployment | None:
    """What an abort takes away from users."""
    release = service.release
    return service.deployments.filter(provider_id=release.canary_id).first() if release else None


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
