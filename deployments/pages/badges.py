"""The labels of a deployment, in words: what it is, what became of it, who put it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.models import Change, Deployment, Kind, Pin, Service
from deployments.providers.base import DeploymentStatus

FAILED_WORDS = {
    "build_failed": "BUILD FAILED",
    "pre_deploy_failed": "PRE-DEPLOY FAILED",
    "update_failed": "RELEASE FAILED",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A shape and a word; the colour only repeats what they say.

    `tone` is "" or one of good, warn, bad, busy; `shape` one of dot, ring, square, diamond, turn.
    """

    word: str
    tone: str = ""
    shape: str = "dot"
    more: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """What is known beside the row itself.

    `sure` says whether LIVE may be believed; `previous` is what served before the live one; `moves`
    are finished changes that touched this deployment, newest first.
    """

    service: Service
    sure: bool = True
    previous: Deployment | None = None
    pin: Pin | None = None
    moves: Sequence[Change] = ()


def marks_for(deployment: Deployment, past: Past) -> tuple[Mark, ...]:
    """Every label that is true of the deployment, the one that decides most first."""
    return (*_serving(deployment, past), *_build(deployment), *_rollback(deployment, past))


def _serving(deployment: Deployment, past: Past) -> list[Mark]:
    if past.service.live_id == deployment.pk:
        return [Mark("LIVE", "good" if past.sure else "", more="" if past.sure else "not certain")]
    left = past.pin is not None and past.pin.rolled_back_from_id == deployment.pk
    if not left and past.previous is not None and past.previous.pk == deployment.pk:
        return [Mark("PREVIOUS", shape="ring")]
    return []


def _build(deployment: Deployment) -> list[Mark]:
    found = []
    if deployment.status == DeploymentStatus.FAILED:
        found.append(Mark(FAILED_WORDS.get(deployment.raw_status, "FAILED"), shape="square"))
    elif deployment.status == DeploymentStatus.CANCELED:
        found.append(Mark("CANCELED", shape="square"))
    elif deployment.status == DeploymentStatus.QUEUED:
        found.append(Mark("QUEUED", "busy", "ring"))
    elif deployment.running:
        found.append(Mark(deployment.status.upper(), "busy", "turn"))
    elif deployment.status == DeploymentStatus.UNKNOWN:
        found.append(Mark("STATUS UNKNOWN", "warn", "diamond", f"“{deployment.raw_status}”"))
    if not deployment.production:
        found.append(Mark("PREVIEW", shape="ring", more=deployment.branch))
    if deployment.staged:
        found.append(Mark("STAGED", "busy", "ring", "built for production, never had its traffic"))
    if deployment.missing_since is not None:
        found.append(Mark("NO LONGER LISTED", "warn", "square"))
    return found


def _rollback(deployment: Deployment, past: Past) -> list[Mark]:
    found = []
    if deployment.is_rollback:
        of = f"of {deployment.restores.short_sha}" if deployment.restores else ""
        by = f"by {deployment.started_by}" if deployment.started_by else ""
        found.append(Mark("ROLLBACK", "warn", "diamond", " ".join(part for part in (of, by) if part)))
    if deployment.outside:
        found.append(Mark("OUTSIDE PORTAL", "warn", "square"))
    if past.pin is not None and past.pin.rolled_back_from_id == deployment.pk != past.service.live_id:
        return [*found, Mark("ROLLED BACK FROM", "bad", "ring", f"by {past.pin.pinned_by}")]
    for move in past.moves:
        if move.from_deployment_id == deployment.pk and move.operation.kind == Kind.ROLL_BACK:
            return [
                *found,
                Mark("ROLLED BACK FROM", shape="ring", more=f"by {move.operation.requested_by_name}"),
            ]
    return found
