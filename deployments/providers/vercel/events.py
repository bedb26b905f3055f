"""Turns Vercel's events into `RemoteEvent`: rollbacks, promotions, changed settings, domains and variables.

The names of the types are those of @vercel/sdk 1.28.35; the OpenAPI document has their payloads without the
names. No value of a variable is read, only its name.

Reference: https://vercel.com/docs/rest-api/reference/endpoints/user/list-user-events
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployments.providers.base import RemoteEvent
from deployments.providers.json_fields import boolean, first_nonempty, mapping, text, timestamp_ms
from rollback_portal.text import clean_line

Json = Mapping[str, Any]

# type -> kind, and what is said of the variable, domain or release that its payload names
TYPES = {
    "instant-rollback-created": ("rolled_back", ""),
    "manual-deployment-promotion-created": ("promoted", ""),
    "project-auto-assign-custom-production-domains-updated": (
        "auto_deploy_changed",
        "Whether new builds take the domains over was changed.",
    ),
    "env-variable-add": ("environment_changed", "{} was added."),
    "env-variable-edit": ("environment_changed", "{} was changed."),
    "env-variable-delete": ("environment_changed", "{} was deleted."),
    "env-variable-rotated": ("environment_changed", "{} was rotated."),
    "shared-env-variable-create": ("environment_changed", "{}, shared by several projects, was added."),
    "shared-env-variable-update": ("environment_changed", "{}, shared by several projects, was changed."),
    "shared-env-variable-delete": ("environment_changed", "{}, shared by several projects, was deleted."),
    "alias": ("domain_changed", "{} was moved."),
    "alias-delete": ("domain_changed", "{} was removed."),
    "project-add-alias": ("domain_changed", "{} was added."),
    "project-add-redirect": ("domain_changed", "{} redirects now."),
    "project-domain-updated": ("domain_changed", "{} was changed."),
    "project-domain-moved": ("domain_changed", "{} was moved to another project."),
    "project-domain-deleted": ("domain_changed", "{} was removed."),
    "project-domain-verified": ("domain_changed", "{} was verified."),
    "project-domain-unverified": ("domain_changed", "{} is no longer verified."),
    "project-rolling-release-started": ("rolling_release", "A rolling release was started."),
    "project-rolling-release-approved": ("rolling_release", "A stage of the rolling release was approved."),
    "project-rolling-release-completed": ("rolling_release", "The rolling release was completed."),
    "project-rolling-release-aborted": ("rolling_release", "The rolling release was aborted."),
    "project-paused": ("suspended", "The project was paused."),
    "project-unpaused": ("resumed", "The project was resumed."),
    "deployment-delete": ("deploy_deleted", "The deployment was deleted."),
}


def event(item: Json, service_id: str) -> RemoteEvent | None:
    """The event, or None where it concerns another project or nothing that the portal follows."""
    kind, said = TYPES.get(text(item, "type"), ("", ""))
    at, payload = timestamp_ms(item, "createdAt"), mapping(item, "payload")
    if not kind or not at or text(payload, "projectId") not in {"", service_id} or _by_itself(payload):
        return None
    moves_traffic = kind in {"rolled_back", "promoted", "rolling_release"}
    return RemoteEvent(
        id=text(item, "id"),
        service_id=service_id,
        at=at,
        kind=kind,
        deployment_id=text(payload, "deploymentId") if kind == "deploy_deleted" else "",
        target_id=first_nonempty(text(payload, "toDeploymentId"), text(payload, "targetDeploymentId"))
        if moves_traffic
        else text(payload, "deploymentId")
        if kind == "domain_changed"
        else "",
        from_id=first_nonempty(text(payload, "fromDeploymentId"), text(payload, "oldDeploymentId")),
        actor=_actor(item),
        detail=clean_line(said.replace("{}", _subject(kind, payload)) or text(payload, "reason"), 1_000),
        reason=clean_line(text(payload, "reasonCode")),
    )


def _by_itself(payload: Json) -> bool:
    """Vercel assigned a domain to a new build: that happens on every build and is not a user action."""
    return boolean(payload, "system") is True


def _subject(kind: str, payload: Json) -> str:
    if kind == "environment_changed":
        name = first_nonempty(text(payload, "key"), text(payload, "newEnvVar", "key"))
        return f"The environment variable {name}".strip()
    name = first_nonempty(text(payload, "alias"), text(payload, "name"), text(payload, "domain"))
    return name or "A domain"


def _actor(item: Json) -> str:
    person = first_nonempty(
        *(text(item, who, name) for who in ("user", "principal") for name in ("email", "username", "name"))
    )
    return clean_line(first_nonempty(person, text(item, "userId"), text(item, "principalId")))
