"""Vercel's checks before it moves the production domains to a deployment."""

from __future__ import annotations

from deployments.sandbox.rows import ApiRefusal, DeploymentRow, ServiceRow
from deployments.sandbox.state import SandboxState

UNFINISHED = ("pending", "in-progress")
UPGRADE = "To roll back further than the previous production deployment, upgrade to pro"


def is_candidate(project: ServiceRow, deployment: DeploymentRow) -> bool:
    """`isRollbackCandidate`: it had the production domains before and does not have them now."""
    candidate = deployment.substate == "PROMOTED" and deployment.id != project.production_id
    return candidate and not is_deleted(deployment)


def is_deleted(deployment: DeploymentRow) -> bool:
    return bool(deployment.played.get("deleted")) or deployment.played.get("readyState") == "DELETED"


def check_rollback(state: SandboxState, project: ServiceRow, target_id: str) -> DeploymentRow:
    target = _ready(state, project, target_id)
    rolling = project.rolling is not None and project.rolling["state"] == "ACTIVE"
    if target.id == project.production_id and rolling:
        return target  # which aborts the rolling release
    if target.id == project.production_id:
        raise ApiRefusal(422, f"The deployment {target.id} is already the current production deployment.")
    if target.target != "production" or target.substate != "PROMOTED":
        raise ApiRefusal(
            400, f"The deployment {target.id} never had the production domains: promote it instead."
        )
    if state.rules.plan == "hobby":
        earlier = [row for row in state.newest_first(project) if is_candidate(project, row)]
        if target.id != earlier[0].id:
            raise ApiRefusal(402, UPGRADE)
    return target


def check_promotion(state: SandboxState, project: ServiceRow, target_id: str) -> DeploymentRow:
    target = _ready(state, project, target_id)
    if target.id == project.production_id:
        words = f"The provided deploymentId ({target.id}) is already the current production deployment."
        raise ApiRefusal(409, words)
    if target.target != "production":
        raise ApiRefusal(400, f"The deployment {target.id} is a preview deployment and cannot be promoted.")
    return target


def _ready(state: SandboxState, project: ServiceRow, target_id: str) -> DeploymentRow:
    target = state.find_deployment(project, target_id)
    if is_deleted(target):
        raise ApiRefusal(410, "The deployment was deleted.")
    if target.status != "READY":
        raise ApiRefusal(400, f"The deployment {target.id} is {target.status}, not READY.")
    request = project.alias_request
    if request and request.status in UNFINISHED:
        raise ApiRefusal(
            409, f"A {request.kind} of this project is in progress: they cannot run in parallel."
        )
    return target
