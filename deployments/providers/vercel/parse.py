"""Turns Vercel's JSON into the types of `types.py`: projects and deployments.

Reference: https://vercel.com/docs/rest-api/reference/endpoints/deployments/list-deployments
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from deployments.providers.base import (
    DeploymentStatus,
    ProviderName,
    RemoteDeployment,
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
    "BLOCKED": DeploymentStatus.BLOCKED,
    "DELETED": DeploymentStatus.DELETED,
}
NEVER_SERVED = {
    DeploymentStatus.FAILED,
    DeploymentStatus.CANCELED,
    DeploymentStatus.QUEUED,
    DeploymentStatus.BUILDING,
}
HOSTS = ("github", "gitlab", "bitbucket")  # prefixes of the commit fields in `meta`: githubCommitSha …

Json = Mapping[str, Any]


def service(item: Json, scope: str = "") -> RemoteService:
    """A project. `scope` names its team in the addresses of the dashboard, "" where that is unknown."""
    name = text(item, "name")
    return RemoteService(
        provider=ProviderName.VERCEL,
        id=text(item, "id"),
        name=first_nonempty(name, text(item, "id")),
        kind="web",
        owner_id=text(item, "accountId"),
        repository=_repository(mapping(item, "link")),
        branch=text(item, "link", "productionBranch"),
        dashboard_url=f"https://vercel.com/{scope}/{name}" if scope and name else "",
        addresses=tuple(f"https://{domain}" for domain in production_domains(item)),
        suspended=boolean(item, "paused") or False,
        auto_deploy=auto_deploy(item),
    )


def deployment(item: Json, service_id: str) -> RemoteDeployment:
    """A deployment, from the list (where its id is `uid`) or from the single view (`id`)."""
    raw_status = first_nonempty(text(item, "readyState"), text(item, "state"), text(item, "status"))
    is_deleted = raw_status == "DELETED" or _is_deleted(item)
    status = STATUSES.get(raw_status, DeploymentStatus.UNKNOWN)
    status = DeploymentStatus.DELETED if is_deleted else status
    substate = text(item, "readySubstate")
    served = _served(status, substate)
    environment = _environment(item)
    return RemoteDeployment(
        id=identity(item),
        service_id=service_id,
        status=status,
        raw_status=f"{raw_status} {substate}".strip(),
        created_at=timestamp_ms(item, "createdAt")
        or timestamp_ms(item, "created")
        or timestamp_ms(item, "ready")
        or EPOCH,
        production=text(item, "target") == "production" and not environment,
        environment=environment,
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
        live_from=_alias_time(item) if served and substate != "ROLLING" else None,
        url=text(item, "inspectorUrl"),
        deleted_at=_deleted_at(item) if is_deleted else None,
        by_retention=is_deleted and boolean(item, "softDeletedByRetention") is True,
        expires_at=timestamp_ms(item, "expiration"),
        checks=_checks(item),
        alias_error=_alias_error(item),
    )


def _deleted_at(item: Json) -> datetime | None:
    return timestamp_ms(item, "deleted") or timestamp_ms(item, "deletedAt")


def _is_deleted(item: Json) -> bool:
    """A deleted deployment keeps its `readyState`; for 30 days it can be undeleted, which is said as well."""
    deleted = _deleted_at(item)
    undeleted = timestamp_ms(item, "undeleted") or timestamp_ms(item, "undeletedAt")
    if deleted and undeleted:
        return deleted > undeleted
    return deleted is not None or (boolean(item, "softDeletedByRetention") is True and undeleted is None)


def _environment(item: Json) -> str:
    """The custom environment that it was built for; "" for production and ordinary previews."""
    custom = mapping(item, "customEnvironment")
    name = first_nonempty(text(custom, "slug"), text(custom, "id"))
    return "" if "production" in {name.lower(), text(custom, "type")} else name


def _checks(item: Json) -> str:
    """How its checks ended, else how far they are, from the first or the second generation of checks."""
    return first_nonempty(
        text(item, "checksConclusion"),
        text(item, "checks", "deployment-alias", "state"),
        text(item, "checksState"),
    )


def _alias_error(item: Json) -> str:
    error = mapping(item, "aliasError")
    return clean_line(first_nonempty(text(error, "message"), text(error, "code")))


def identity(item: Json) -> str:
    return first_nonempty(text(item, "uid"), text(item, "id"))


def _served(status: DeploymentStatus, substate: str) -> bool | None:
    """PROMOTED has had production traffic and ROLLING has some; STAGED and unfinished ones never had any.

    What is rolling has not gone live, whether its release can be read or not.
    """
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


def _alias_time(item: Json) -> datetime | None:
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
