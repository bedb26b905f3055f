"""The status badges of a deployment: what it is, what became of it, who rolled it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.models import Change, Deployment, OperationKind, Pin, Service
from deployments.providers.base import DeploymentStatus
from rollback_portal.web.badges import Badge

FAILED_WORDS = {
    "build_failed": "BUILD FAILED",
    "pre_deploy_failed": "PRE-DEPLOY FAILED",
    "update_failed": "RELEASE FAILED",
}


@dataclass(frozen=True, slots=True)
class BadgeContext:
    """What the badges of a deployment depend on beside its own row.

    Args:
        sure: whether what the provider calls live is beyond doubt.
        previous: what was live before the live one.
        pin: the pin that is in force.
        rollbacks: finished rollbacks away from this deployment, newest first.
    """

    service: Service
    sure: bool = True
    previous: Deployment | None = None
    pin: Pin | None = None
    rollbacks: Sequence[Change] = ()


def badges_for(deployment: Deployment, context: BadgeContext) -> tuple[Badge, ...]:
    """Every badge that is true of the deployment, the most important one first."""
    return (*_serving(deployment, context), *_build(deployment), *_rollback(deployment, context))


def _serving(deployment: Deployment, context: BadgeContext) -> list[Badge]:
    if context.service.live_id == deployment.pk:
        return [Badge("LIVE", "good" if context.sure else "", detail="" if context.sure else "not certain")]
    rolled_back = context.pin is not None and context.pin.rolled_back_from_id == deployment.pk
    if not rolled_back and context.previous is not None and context.previous.pk == deployment.pk:
        return [Badge("PREVIOUS", shape="circle")]
    return []


def _build(deployment: Deployment) -> list[Badge]:
    badges = []
    if deployment.status == DeploymentStatus.FAILED:
        badges.append(Badge(FAILED_WORDS.get(deployment.raw_status, "FAILED"), shape="square"))
    elif deployment.status == DeploymentStatus.CANCELED:
        badges.append(Badge("CANCELED", shape="square"))
    elif deployment.status == DeploymentStatus.QUEUED:
        badges.append(Badge("QUEUED", "busy", "circle"))
    elif deployment.running:
        badges.append(Badge(deployment.status.upper(), "busy", "turn"))
    elif deployment.status == DeploymentStatus.UNKNOWN:
        badges.append(Badge("STATUS UNKNOWN", "warn", "diamond", f"“{deployment.raw_status}”"))
    if not deployment.production:
        badges.append(Badge("PREVIEW", shape="circle", detail=deployment.branch))
    if deployment.staged:
        badges.append(Badge("STAGED", "busy", "circle", "built for production, never had its traffic"))
    if deployment.missing_since is not None:
        badges.append(Badge("NO LONGER LISTED", "warn", "square"))
    return badges


def _rollback(deployment: Deployment, context: BadgeContext) -> list[Badge]:
    badges = []
    if deployment.is_rollback:
        source = f"of {deployment.restores.short_sha}" if deployment.restores else ""
        person = f"by {deployment.started_by}" if deployment.started_by else ""
        badges.append(
            Badge("ROLLBACK", "warn", "diamond", " ".join(part for part in (source, person) if part))
        )
    if deployment.outside:
        badges.append(Badge("OUTSIDE PORTAL", "warn", "square"))
    if (
        context.pin is not None
        and context.pin.rolled_back_from_id == deployment.pk != context.service.live_id
    ):
        return [*badges, Badge("ROLLED BACK FROM", "bad", "circle", f"by {context.pin.pinned_by}")]
    for change in context.rollbacks:
        if change.from_deployment_id == deployment.pk and change.operation.kind == OperationKind.ROLL_BACK:
            return [
                *badges,
                Badge("ROLLED BACK FROM", shape="circle", detail=f"by {change.operation.requested_by_name}"),
            ]
    return badges
