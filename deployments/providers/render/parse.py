"""Turns Render's JSON into the types of `types.py`. In a deploy only `id` is certain to be there.

Reference: https://api-docs.render.com/reference/list-deploys
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from deployments.providers.base import (
    DeploymentStatus,
    ProviderName,
    RemoteDeployment,
    RemoteService,
)
from deployments.providers.json_fields import (
    EPOCH,
    boolean,
    first_nonempty,
    host_name,
    text,
    timestamp,
    value_at,
    words,
)

STATUSES = {
    "created": DeploymentStatus.QUEUED,
    "queued": DeploymentStatus.QUEUED,
    "build_in_progress": DeploymentStatus.BUILDING,
    "pre_deploy_in_progress": DeploymentStatus.RELEASING,
    "update_in_progress": DeploymentStatus.RELEASING,
    "live": DeploymentStatus.LIVE,
    "deactivated": DeploymentStatus.RETIRED,
    "build_failed": DeploymentStatus.FAILED,
    "pre_deploy_failed": DeploymentStatus.FAILED,
    "update_failed": DeploymentStatus.FAILED,
    "canceled": DeploymentStatus.CANCELED,
}
RUNNING = ("created", "queued", "build_in_progress", "pre_deploy_in_progress", "update_in_progress")
TRIGGERS = {"commit", "checksPass", "off"}
SERVED = {DeploymentStatus.LIVE, DeploymentStatus.RETIRED}

# Render says of an environment only what people called it.
NOT_PRODUCTION = re.compile(
    r"(?<![a-z])(previews?|pre-?prod(uction)?|pr|pull[ _-]?requests?|review|stag(e|ing)|tests?|testing|qa|dev"
    r"|development|sandbox)(?![a-z])",
    re.IGNORECASE,
)

ADDRESS = re.compile(r"https?://\S{1,250}")

Json = Mapping[str, Any]


def is_preview(item: Json) -> bool:
    return bool(value_at(item, "serviceDetails", "parentServer"))


def is_for_tests(environment: str) -> bool:
    """Does the name of an environment say that it is for previews, tests or staging?"""
    return NOT_PRODUCTION.search(environment) is not None


def service(item: Json, environment: str = "", domains: Sequence[str] | None = ()) -> RemoteService:
    """A service, with the name of its environment and its custom domains; None: they were not read."""
    return RemoteService(
        provider=ProviderName.RENDER,
        id=text(item, "id"),
        name=first_nonempty(text(item, "name"), text(item, "slug"), text(item, "id")),
        kind="web" if text(item, "type") == "static_site" else "api",
        owner_id=text(item, "ownerId"),
        repository=text(item, "repo").removesuffix(".git"),
        branch=text(item, "branch"),
        dashboard_url=text(item, "dashboardUrl"),
        addresses=(*(f"https://{domain}" for domain in domains or ()), *_own_address(item)),
        addresses_known=domains is not None,
        environment=environment,
        production=not is_for_tests(environment),
        suspended=text(item, "suspended") == "suspended",
        suspended_by=words(item, "suspenders"),
        maintenance=boolean(item, "serviceDetails", "maintenanceMode", "enabled") or False,
        auto_deploy=auto_deploy(item),
    )


def custom_domain(item: Json) -> str:
    """The name of a domain that serves; "" for one that is not verified or only redirects."""
    serves = text(item, "verificationStatus") == "verified" and not text(item, "redirectForName")
    return host_name(item, "name") if serves else ""


def _own_address(item: Json) -> tuple[str, ...]:
    """The address on onrender.com, unless it is switched off."""
    address = text(item, "serviceDetails", "url")
    off = text(item, "serviceDetails", "renderSubdomainPolicy") == "disabled"
    return (address,) if ADDRESS.fullmatch(address) and not off else ()


def auto_deploy(item: Json) -> str | None:
    """`commit`, `checksPass` or `off`; `on` where only the older yes/no field can be understood; else None.

    A word that is not in Render's document may mean on or off: the older field, which is required, decides.
    """
    trigger = text(item, "autoDeployTrigger")
    older = {"yes": "on", "no": "off"}.get(text(item, "autoDeploy"))
    return trigger if trigger in TRIGGERS else older


def deployment(item: Json, service_id: str) -> RemoteDeployment:
    raw_status = text(item, "status")
    status = STATUSES.get(raw_status, DeploymentStatus.UNKNOWN)
    finished = timestamp(item, "finishedAt") if status in SERVED else None
    return RemoteDeployment(
        id=text(item, "id"),
        service_id=service_id,
        status=status,
        raw_status=raw_status,
        created_at=_created_at(item),
        served=None if status is DeploymentStatus.UNKNOWN else status in SERVED,
        commit_sha=text(item, "commit", "id"),
        commit_message=text(item, "commit", "message"),
        trigger=text(item, "trigger"),
        ready_at=finished,
        live_from=finished,
        image=_image(item),
    )


def pinned(auto_deploy: str | None, live: RemoteDeployment | None) -> bool | None:
    """True after a rollback with automatic deploys off; False only where they are on.

    With automatic deploys off, another live deploy than a rollback says nothing: it may be a hotfix after it.
    """
    if auto_deploy not in {None, "off"}:
        return False
    return True if auto_deploy == "off" and live is not None and live.trigger == "rollback" else None


def conflict(live: Sequence[RemoteDeployment]) -> str:
    """A sentence where Render does not show exactly one live deploy."""
    if not live:
        return "Render lists no deployment as live."
    if len(live) > 1:
        return f"Render lists {len(live)} deployments as live: {', '.join(deploy.id for deploy in live)}."
    return ""


def _created_at(item: Json) -> datetime:
    return (
        timestamp(item, "createdAt")
        or timestamp(item, "startedAt")
        or timestamp(item, "updatedAt")
        or timestamp(item, "finishedAt")
        or EPOCH
    )


def _image(item: Json) -> str:
    reference, digest = text(item, "image", "ref"), text(item, "image", "sha")
    return f"{reference}@{digest}" if reference and digest and "@" not in reference else reference
