"""Turns Vercel's JSON into the types of `types.py`: projects, deployments, events and log lines.

Reference: https://vercel.com/docs/rest-api/reference/endpoints/deployments/list-deployments
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployments.providers.base import (
    DeploymentStatus,
    LogLine,
    ProviderName,
    RemoteDeployment,
    RemoteEvent,
    RemoteService,
)
from deployments.providers.json_fields import EPOCH, boolean, first_nonempty, mapping, text, timestamp_ms
from deployments.providers.vercel.project_state import auto_deploy, production_domains
from rollback_portal.text import clean_line

STATUSES = {
    "QUEUED": DeploymentStatus.QUEUED,
    "INITIALIZING": DeploymentStatus.BUILDING,
    "BUILDING": DeploymentStatus.BUILDING,
    "READY": DeploymentStatus.READY,
    "ERROR": DeploymentStatus.FAILED,
    "CANCELED": DeploymentStatus.CANCELED,
}
NEVER_SERVED = {
    DeploymentStatus.FAILED,
    DeploymentStatus.CANCELED,
    DeploymentStatus.QUEUED,
    DeploymentStatus.BUILDING,
}
EVENTS = {
    "instant-rollback-created": "rolled_back",
    "manual-deployment-promotion-created": "promoted",
}
HOSTS = ("github", "gitlab", "bitbucket")  # prefixes of the commit fields in `meta`: githubCommitSha …

Json = Mapping[str, Any]


def service(item: Json) -> RemoteService:
    return RemoteService(
        provider=ProviderName.VERCEL,
        id=text(item, "id"),
        name=first_nonempty(text(item, "name"), text(item, "id")),
        kind="web",
        owner_id=text(item, "accountId"),
        repository=_repository(mapping(item, "link")),
        branch=text(item, "link", "productionBranch"),
        addresses=tuple(f"https://{domain}" for domain in production_domains(item) if "*" not in domain),
        suspended=boolean(item, "paused") or False,
        auto_deploy=auto_deploy(item),
    )


def deployment(item: Json, service_id: str) -> RemoteDeployment:
    """A deployment, from the list (where its id is `uid`) or from the single view (`id`)."""
    raw_status = first_nonempty(text(item, "readyState"), text(item, "state"), text(item, "status"))
    status = STATUSES.get(raw_status, DeploymentStatus.UNKNOWN)
    substate = text(item, "readySubstate")
    served = _served(status, substate)
    return RemoteDeployment(
        id=identity(item),
        service_id=service_id,
        status=status,
        raw_status=f"{raw_status} {substate}".strip(),
        created_at=timestamp_ms(item, "createdAt") or timestamp_ms(item, "created") or EPOCH,
        production=text(item, "target") == "production",
        staged=status is DeploymentStatus.READY and substate == "STAGED",
        served=served,
        can_roll_back=boolean(item, "isRollbackCandidate"),
        commit_sha=first_nonempty(text(item, "gitSource", "sha"), _meta(item, "CommitSha")),
        commit_message=_meta(item, "CommitMessage"),
        author=_author(item),
        branch=first_nonempty(text(item, "gitSource", "ref"), _meta(item, "CommitRef")),
        pull_request=first_nonempty(text(item, "gitSource", "prId"), _meta(item, "PrId")),
        trigger=text(item, "source"),
        ready_at=timestamp_ms(item, "ready"),
        live_from=_alias_time(item) if served else None,
        url=text(item, "inspectorUrl"),
    )


def identity(item: Json) -> str:
    return first_nonempty(text(item, "uid"), text(item, "id"))


def event(item: Json, service_id: str) -> RemoteEvent | None:
    """A rollback or promotion of this project; None for every other event."""
    kind, at = EVENTS.get(text(item, "type")), timestamp_ms(item, "createdAt")
    payload = mapping(item, "payload")
    if not kind or not at or text(payload, "projectId") not in {"", service_id}:
        return None
    user = first_nonempty(
        *(text(item, who, name) for who in ("user", "principal") for name in ("email", "username", "name"))
    )
    return RemoteEvent(
        id=text(item, "id"),
        service_id=service_id,
        at=at,
        kind=kind,
        target_id=text(payload, "toDeploymentId"),
        from_id=text(payload, "fromDeploymentId"),
        actor=clean_line(first_nonempty(user, text(item, "userId"), text(item, "principalId"))),
        detail=clean_line(text(payload, "reason"), longest=1_000),
    )


def log_line(item: object) -> LogLine | None:
    at = timestamp_ms(item, "timestampInMs")
    if not at or text(item, "source") == "delimiter":
        return None
    status = text(item, "responseStatusCode")
    request = " ".join(
        word for word in (text(item, "requestMethod"), text(item, "requestPath"), status) if word
    )
    return LogLine(
        at=at,
        message=first_nonempty(text(item, "message"), request),
        level=text(item, "level"),
        source=text(item, "source"),
    )


def _served(status: DeploymentStatus, substate: str) -> bool | None:
    """PROMOTED has had production traffic and ROLLING has some; STAGED and unfinished ones never had any."""
    if substate in {"PROMOTED", "ROLLING"}:
        return True
    return False if substate == "STAGED" or status in NEVER_SERVED else None


def _author(item: Json) -> str:
    creator = mapping(item, "creator")
    return clean_line(
        first_nonempty(
            _meta(item, "CommitAuthorName"),
            _meta(item, "CommitAuthorLogin"),
            *(text(creator, name) for name in ("username", "githubLogin", "gitlabLogin", "email")),
        )
    )


def _meta(item: Json, fact: str) -> str:
    return first_nonempty(*(text(item, "meta", host + fact) for host in HOSTS))


def _alias_time(item: Json) -> Any:
    return timestamp_ms(item, "aliasAssigned") or timestamp_ms(item, "aliasAssignedAt")


def _repository(link: Json) -> str:
    kind = text(link, "type")
    if kind == "gitlab":
        return text(link, "projectUrl")
    if kind == "bitbucket":
        return _address("bitbucket.org", text(link, "owner"), text(link, "slug"))
    if kind.startswith("github"):
        return _address(text(link, "host") or "github.com", text(link, "org"), text(link, "repo"))
    return ""


def _address(host: str, owner: str, name: str) -> str:
    return f"https://{host}/{owner}/{name}" if owner and name else ""
