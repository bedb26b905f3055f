"""Deployments that went live, whoever started them: a push, a person, a hook, a rollback at Render."""

from __future__ import annotations

from deployments.models import ActKind, Deployment, Service
from deployments.providers.base import DeploymentStatus, RemoteDeployment
from deployments.sync.outside.memory import Memory
from deployments.sync.outside.moves import MOVE_EVENTS, is_moving_to
from deployments.sync.outside.own_changes import Verdict, who_deployed


def find_deployments(memory: Memory) -> None:
    """One query finds the known ones: after a few weeks almost every deployment on a page has been live."""
    identities = [_identity(remote) for remote in memory.reading.deployments]
    known = set(memory.acts(identity__in=identities).values_list("identity", flat=True))
    for remote in memory.reading.deployments:
        row = memory.rows.get(remote.id)
        if row is not None and _identity(remote) not in known and _has_gone_live(memory, remote):
            _tell(memory, remote, row)


def _identity(remote: RemoteDeployment) -> str:
    return f"deploy {remote.id}"


def _has_gone_live(memory: Memory, remote: RemoteDeployment) -> bool:
    is_live = remote.id == memory.reading.current.live_id
    if memory.is_history(remote.live_from):
        return False
    if remote.live_from is None and (not is_live or remote.id == memory.before.live_id):
        return False
    if memory.service.provider == Service.ProviderChoice.RENDER:
        return remote.status in (DeploymentStatus.LIVE, DeploymentStatus.RETIRED)
    serves = remote.production and (is_live or remote.served is True)
    return serves and remote.id not in memory.before.served and not _was_moved_to(memory, remote.id)


def _was_moved_to(memory: Memory, deployment_id: str) -> bool:
    """Whether a move of the domains put it in front of users, which is an act of its own."""
    moves = memory.acts(kind__in=MOVE_EVENTS.values(), target=deployment_id)
    return is_moving_to(memory, deployment_id) or moves.exists()


def _tell(memory: Memory, remote: RemoteDeployment, row: Deployment) -> None:
    is_rollback = row.is_rollback
    kind = ActKind.ROLLED_BACK if is_rollback else ActKind.WENT_LIVE
    finding = who_deployed(memory.service, remote, row.restores.provider_id if row.restores else "")
    if is_rollback and row.outside != (finding.verdict is Verdict.OUTSIDE):
        row.outside = not row.outside
        row.save(update_fields=["outside"])
    about = (event for event in memory.reading.events if event.deployment_id == remote.id)
    cause = next((event.detail for event in about if event.detail and event.kind != "deploy_ended"), "")
    memory.tell(
        finding,
        kind,
        _identity(remote),
        remote.id,
        remote.live_from,
        actor=row.started_by,
        detail=cause.rstrip("."),
    )
