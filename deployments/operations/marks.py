"""Marks commits good or bad, takes marks away, and looks them up for lists and plans."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from django.db import transaction

from deployments.models import Change, CommitMark, Deployment, Operation, OperationKind
from deployments.operations.past.rolled_back import RolledBack
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor, record
from rollback_portal.jobs import clock

BAD, GOOD = CommitMark.Quality.BAD, CommitMark.Quality.GOOD


def commit_of(deployment: Deployment) -> str:
    """What a mark on this deployment names: its commit, else its image; "" where it has neither."""
    return deployment.commit_sha or deployment.image


def commit_taken_away(kind: str, left: Deployment | None, to: Deployment | None) -> str:
    """The commit that a rollback takes away and may mark; "" where another build of the same one comes."""
    if kind != OperationKind.ROLL_BACK or left is None or to is None:
        return ""
    return commit_of(left) if commit_of(left) != commit_of(to) else ""


def marks_of(deployments: Iterable[Deployment]) -> dict[str, CommitMark]:
    """The standing marks of these deployments, by what they name, in one query."""
    return marks_of_commits({commit_of(deployment) for deployment in deployments})


def marks_of_commits(commits: AbstractSet[str]) -> dict[str, CommitMark]:
    return {mark.commit: mark for mark in CommitMark.objects.standing().filter(commit__in=commits - {""})}


def held_back(rolled_back: RolledBack | None, mark: CommitMark | None) -> str:
    """Why lists have no button for a deployment that is known to be bad; "" where it is not.

    The first button of a list must not bring back what somebody took away. Whoever means it opens its page.
    """
    if rolled_back is not None and rolled_back.standing:
        return rolled_back.way_back
    if mark is not None:
        return "marked bad; open it to bring it back all the same" if mark.bad else ""
    return rolled_back.way_back if rolled_back is not None else ""


def mark(
    actor: Actor, deployment: Deployment, verdict: str, *, reason: str, incident: str = ""
) -> CommitMark:
    """Mark the deployment's commit, in place of its earlier mark.

    Args:
        actor: who says so; the caller has checked the permission.
        verdict: `good` or `bad`.
        reason: in the person's own words.

    Raises:
        ValueError: the deployment has neither a commit nor an image to mark.
    """
    with transaction.atomic():
        made = _put(commit_of(deployment), actor, verdict, reason=reason, incident=incident)
        record(
            actor,
            f"commit marked {verdict}",
            Outcome.DONE,
            deployment.service.label,
            f"{actor.name} marked {deployment} {verdict}: {reason}",
            reason=reason,
            incident=incident,
        )
    return made


def unmark(actor: Actor, deployment: Deployment) -> bool:
    """Take the standing mark away. Returns whether there was one."""
    with transaction.atomic():
        ended = _end(commit_of(deployment), actor)
        if ended:
            record(
                actor, "mark of a commit removed", Outcome.DONE, deployment.service.label,
                f"{actor.name} took the mark of {deployment} away.",
            )  # fmt: skip
    return ended


def mark_what_was_left(change: Change) -> None:
    """Once a rollback serves: mark the commit that it took away, if the person who asked for it said so.

    It belongs into the transaction that moves the change. A mark that says bad already keeps its own reason.
    """
    operation, left = change.operation, change.from_deployment
    commit = commit_taken_away(operation.kind, left, change.to_deployment) if operation.marks_bad else ""
    if not commit or CommitMark.objects.standing().filter(commit=commit, verdict=BAD):
        return
    actor = Actor(operation.requested_by_name, operation.requested_by_role, operation.requested_by_id)
    _put(commit, actor, BAD, reason=operation.why, incident=operation.incident, operation=operation)
    record(
        actor,
        "commit marked bad",
        Outcome.DONE,
        change.service.label,
        f"{actor.name} marked {left} bad with the rollback that took it away.",
        operation=operation.pk,
        reason=operation.why,
        incident=operation.incident,
    )


def _put(
    commit: str, actor: Actor, verdict: str, *, reason: str, incident: str, operation: Operation | None = None
) -> CommitMark:
    if not commit:
        raise ValueError("A mark needs a commit or an image.")
    _end(commit, actor)
    return CommitMark.objects.create(
        commit=commit,
        verdict=verdict,
        reason=reason,
        incident=incident,
        marked_by_id=actor.user_id,
        marked_by_name=actor.name,
        marked_at=clock.now(),
        operation=operation,
    )


def _end(commit: str, actor: Actor) -> bool:
    standing = CommitMark.objects.standing().filter(commit=commit).select_for_update()
    pks = [mark.pk for mark in standing]
    return bool(CommitMark.objects.filter(pk__in=pks).update(ended_at=clock.now(), ended_by_name=actor.name))
