"""The status badges of a deployment: what it is, what became of it, who rolled it back."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.models import CommitMark, Deployment, Service
from deployments.operations.past.rolled_back import RolledBack
from deployments.providers.base import DeploymentStatus, RollingRelease
from rollback_portal.web.badges import Badge, Tone

FAILED_WORDS = {
    "build_failed": "BUILD FAILED",
    "pre_deploy_failed": "PRE-DEPLOY FAILED",
    "update_failed": "RELEASE FAILED",
}


@dataclass(frozen=True, slots=True)
class BadgeContext:
    """What the badges of a deployment depend on beside its own row.

    Args:
        sure: whether the mark of what is live may be green, and in a word or two why not (`doubt`).
        previous: what served before this incident.
        good: the last known good deployment.
        rolled_back: the rollback away from this deployment, where it is known to be bad.
        mark: what somebody has said of its commit.
    """

    service: Service
    sure: bool = True
    doubt: str = ""
    previous: Deployment | None = None
    good: Deployment | None = None
    rolled_back: RolledBack | None = None
    mark: CommitMark | None = None


def release_stage(release: RollingRelease) -> str:
    """ "10% of the requests, stage 1 of 3"."""
    share = f"{release.percent:g}% of the requests" if release.percent is not None else "an unknown share"
    stage = f", stage {release.stage} of {release.stages}" if release.stage else ""
    return f"{share}{stage}{', paused' if release.paused else ''}"


def badges_for(deployment: Deployment, context: BadgeContext) -> tuple[Badge, ...]:
    """Every badge that is true of the deployment, the most important one first."""
    serving, build = _serving(deployment, context), _build(deployment)
    return (*serving, *_mark(context.mark), *build, *_rollback(deployment, context))


def _mark(mark: CommitMark | None) -> list[Badge]:
    if mark is None:
        return []
    if mark.bad:
        return [Badge("BAD", "bad", "square", f"at {mark.words}")]
    return [Badge("GOOD", "good", "circle", f"at {mark.words}")]


def _serving(deployment: Deployment, context: BadgeContext) -> list[Badge]:
    release = context.service.release
    if release is not None and release.canary_id == deployment.provider_id:
        return [Badge("CANARY", "busy", "turn", release_stage(release))]
    if release is not None and context.service.live_id == deployment.pk:
        return [Badge("LIVE", "", "circle", "the base of a rolling release")]
    if context.service.live_id == deployment.pk:
        detail = "" if context.sure else context.doubt or "not certain"
        return [Badge("LIVE", "good" if context.sure else "", detail=detail)]
    if context.good is not None and context.good.pk == deployment.pk:
        return [Badge("LAST KNOWN GOOD", "good", "circle")]
    if context.previous is not None and context.previous.pk == deployment.pk:
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
    elif deployment.status == DeploymentStatus.DELETED:
        badges.append(Badge("DELETED", shape="square"))
    elif deployment.status == DeploymentStatus.BLOCKED:
        badges.append(Badge("BLOCKED", "warn", "square", "held back by its provider"))
    elif deployment.status == DeploymentStatus.UNKNOWN:
        badges.append(Badge("STATUS UNKNOWN", "warn", "diamond", f"“{deployment.raw_status}”"))
    if not deployment.production:
        badges.append(Badge("PREVIEW", shape="circle", detail=deployment.environment or deployment.branch))
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
    rolled_back = context.rolled_back
    if rolled_back is not None and context.service.live_id != deployment.pk:
        tone: Tone = "bad" if rolled_back.standing else ""
        badges.append(Badge("ROLLED BACK FROM", tone, "circle", f"at {rolled_back.words}"))
    return badges
