"""Vercel's JSON into our values: deployments of the list and of the single view, events, log lines.

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
from deployments.providers.json_fields import BEGINNING, first, flag, mapping, moment_ms, plain, text
from deployments.providers.vercel.project_state import automatic, production_domains

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
HOSTS = ("github", "gitlab", "bitbucket")  # the prefixes of the commit facts in `meta`

Json = Mapping[str, Any]


def service(found: Json) -> RemoteService:
    return RemoteService(
        provider=ProviderName.VERCEL,
        id=text(found, "id"),
        name=first(text(found, "name"), text(found, "id")),
        kind="web",
        owner_id=text(found, "accountId"),
        repository=_repository(mapping(found, "link")),
        branch=text(found, "link", "productionBranch"),
        addresses=tuple(f"https://{domain}" for domain in production_domains(found) if "*" not in domain),
        suspended=flag(found, "paused") or False,
        automatic=automatic(found),
    )


def deployment(found: Json, service_id: str) -> RemoteDeployment:
    """A deployment of the list (`uid`) or of the single view (`id`)."""
    raw_status = first(text(found, "readyState"), text(found, "state"), text(found, "status"))
    status = STATUSES.get(raw_status, DeploymentStatus.UNKNOWN)
    substate = text(found, "readySubstate")
    served = _served(status, substate)
    return RemoteDeployment(
        id=identity(found),
        service_id=service_id,
        status=status,
        raw_status=f"{raw_status} {substate}".strip(),
        created_at=moment_ms(found, "createdAt") or moment_ms(found, "created") or BEGINNING,
        production=text(found, "target") == "production",
        staged=status is DeploymentStatus.READY and substate == "STAGED",
        served=served,
        can_roll_back=flag(found, "isRollbackCandidate"),
        commit_sha=first(text(found, "gitSource", "sha"), _meta(found, "CommitSha")),
        commit_message=_meta(found, "CommitMessage"),
        author=_author(found),
        branch=first(text(found, "gitSource", "ref"), _meta(found, "CommitRef")),
        pull_request=first(text(found, "gitSource", "prId"), _meta(found, "PrId")),
        trigger=text(found, "source"),
        ready_at=moment_ms(found, "ready"),
        live_from=_alias_time(found) if served else None,
        url=text(found, "inspectorUrl"),
    )


def identity(found: Json) -> str:
    return first(text(found, "uid"), text(found, "id"))


def event(found: Json, service_id: str) -> RemoteEvent | None:
    """A rollback or a promotion of this project; None for everything else."""
    kind, at = EVENTS.get(text(found, "type")), moment_ms(found, "createdAt")
    payload = mapping(found, "payload")
    if not kind or not at or text(payload, "projectId") not in {"", service_id}:
        return None
    user = first(
        *(text(found, who, name) for who in ("user", "principal") for name in ("email", "username", "name"))
    )
    return RemoteEvent(
        id=text(found, "id"),
        service_id=service_id,
        at=at,
        kind=kind,
        target_id=text(payload, "toDeploymentId"),
        from_id=text(payload, "fromDeploymentId"),
        actor=plain(first(user, text(found, "userId"), text(found, "principalId"))),
        detail=plain(text(payload, "reason"), longest=1_000),
    )


def log_line(found: object) -> LogLine | None:
    at = moment_ms(found, "timestampInMs")
    if not at or text(found, "source") == "delimiter":
        return None
    status = text(found, "responseStatusCode")
    request = " ".join(
        word for word in (text(found, "requestMethod"), text(found, "requestPath"), status) if word
    )
    return LogLine(
        at=at,
        message=first(text(found, "message"), request),
        level=text(found, "level"),
        source=text(found, "source"),
    )


def _served(status: DeploymentStatus, substate: str) -> bool | None:
    """PROMOTED has seen production traffic and ROLLING sees some; STAGED and unfinished ones never did."""
    if substate in {"PROMOTED", "ROLLING"}:
        return True
    return False if substate == "STAGED" or status in NEVER_SERVED else None


def _author(found: Json) -> str:
    creator = mapping(found, "creator")
    return plain(
        first(
            _meta(found, "CommitAuthorName"),
            _meta(found, "CommitAuthorLogin"),
            *(text(creator, name) for name in ("username", "githubLogin", "gitlabLogin", "email")),
        )
    )


def _meta(found: Json, fact: str) -> str:
    return first(*(text(found, "meta", host + fact) for host in HOSTS))


def _alias_time(found: Json) -> Any:
    return moment_ms(found, "aliasAssigned") or moment_ms(found, "aliasAssignedAt")


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
