"""Render's JSON into our values. Only `id` is certain in a deploy; anything else may be missing.

Reference: https://api-docs.render.com/reference/list-deploys, https://api-docs.render.com/reference/list-events
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from deployments.providers.base import (
    DeploymentStatus,
    LogLine,
    ProviderName,
    RemoteDeployment,
    RemoteEvent,
    RemoteService,
    Sample,
)
from deployments.providers.json_fields import (
    BEGINNING,
    at,
    first,
    flag,
    items,
    mapping,
    moment,
    number,
    plain,
    text,
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
SERVED = {DeploymentStatus.LIVE, DeploymentStatus.RETIRED}

# Deploys that Render makes of what is there already, after a changed setting for instance.
MAY_REPEAT_A_ROLLBACK = {"service_resumed", "service_updated", "deployed_by_render", "other", ""}

Json = Mapping[str, Any]


def is_preview(found: Json) -> bool:
    return bool(at(found, "serviceDetails", "parentServer"))


def service(found: Json) -> RemoteService:
    address = text(found, "serviceDetails", "url")
    return RemoteService(
        provider=ProviderName.RENDER,
        id=text(found, "id"),
        name=first(text(found, "name"), text(found, "slug"), text(found, "id")),
        kind="web" if text(found, "type") == "static_site" else "api",
        owner_id=text(found, "ownerId"),
        repository=text(found, "repo").removesuffix(".git"),
        branch=text(found, "branch"),
        dashboard_url=text(found, "dashboardUrl"),
        addresses=(address,) if address.startswith(("https://", "http://")) else (),
        suspended=text(found, "suspended") == "suspended",
        automatic=automatic(found),
    )


def automatic(found: Json) -> str | None:
    """`commit`, `checksPass` or `off`; `on` where only the older yes/no field says so; None: not said."""
    older = {"yes": "on", "no": "off"}.get(text(found, "autoDeploy"))
    return text(found, "autoDeployTrigger") or older


def deployment(found: Json, service_id: str) -> RemoteDeployment:
    raw_status = text(found, "status")
    status = STATUSES.get(raw_status, DeploymentStatus.UNKNOWN)
    finished = moment(found, "finishedAt") if status in SERVED else None
    return RemoteDeployment(
        id=text(found, "id"),
        service_id=service_id,
        status=status,
        raw_status=raw_status,
        created_at=_created_at(found),
        served=None if status is DeploymentStatus.UNKNOWN else status in SERVED,
        commit_sha=text(found, "commit", "id"),
        commit_message=text(found, "commit", "message"),
        trigger=text(found, "trigger"),
        ready_at=finished,
        live_from=finished,
        image=_image(found),
    )


def pinned(automatic: str | None, live: RemoteDeployment | None) -> bool | None:
    """True after a rollback with automatic deploys off; None where that cannot be told."""
    if automatic not in {None, "off"}:
        return False
    if automatic is None or live is None or live.trigger in MAY_REPEAT_A_ROLLBACK:
        return None
    return live.trigger == "rollback"


def doubt(live: Sequence[RemoteDeployment]) -> str:
    """A sentence where Render does not show exactly one live deploy."""
    if not live:
        return "Render lists no deployment as live."
    if len(live) > 1:
        return f"Render lists {len(live)} deployments as live: {', '.join(deploy.id for deploy in live)}."
    return ""


def event(found: Json) -> RemoteEvent | None:
    """The event in our words; None for those that say nothing about deployments."""
    kinds = {
        "deploy_started": _started,
        "deploy_ended": _ended,
        "auto_deploy_disabled": _automatic_off,
        "auto_deploy_enabled": _automatic_on,
    }
    at_ = moment(found, "timestamp")
    reading = kinds.get(text(found, "type"))
    if not reading or not at_:
        return None
    facts = reading(mapping(found, "details"))
    return RemoteEvent(id=text(found, "id"), service_id=text(found, "serviceId"), at=at_, **facts)


def log_line(found: Json) -> LogLine | None:
    at_ = moment(found, "timestamp")
    labels = {text(label, "name"): text(label, "value") for label in items(found, "labels")}
    if not at_:
        return None
    return LogLine(
        at=at_,
        message=text(found, "message"),
        level=labels.get("level", ""),
        source=first(labels.get("type", ""), labels.get("instance", "")),
    )


def samples(series: Json, label_field: str) -> Sequence[Sample]:
    """The points of one series, labelled by the value of `label_field`."""
    labels = {text(label, "field"): text(label, "value") for label in items(series, "labels")}
    label = first(labels.get(label_field, ""), text(series, "labels", label_field))
    return [
        Sample(at=at_, value=value, label=label, unit=text(series, "unit"))
        for point in items(series, "values")
        if (at_ := moment(point, "timestamp")) and (value := number(point, "value")) is not None
    ]


def failure(reason: Json) -> str:
    """Why a deploy ended as it did, in one sentence; "" where Render gives no reason."""
    why = mapping(reason, "failure")
    limit = text(why, "oomKilled", "memoryLimit")
    told = [
        "The build failed." if mapping(reason, "buildFailed") else "",
        _told("Superseded by", text(reason, "newDeploy", "id")),
        "Out of memory" + (f" (limit {limit})." if limit else ".") if "oomKilled" in why else "",
        _told("The process ended with status", text(why, "nonZeroExit")),
        _timed_out(why),
        _told("Unhealthy:", text(why, "unhealthy")),
        "The process ended early." if flag(why, "earlyExit") else "",
        _told("Evicted:", text(why, "evictionReason") or "no reason given") if flag(why, "evicted") else "",
    ]
    return plain(" ".join(message for message in told if message))


def _created_at(found: Json) -> datetime:
    return (
        moment(found, "createdAt")
        or moment(found, "startedAt")
        or moment(found, "updatedAt")
        or moment(found, "finishedAt")
        or BEGINNING
    )


def _image(found: Json) -> str:
    reference, digest = text(found, "image", "ref"), text(found, "image", "sha")
    return f"{reference}@{digest}" if reference and digest and "@" not in reference else reference


def _started(details: Json) -> dict[str, str]:
    trigger = mapping(details, "trigger")
    rolled_back = flag(trigger, "rollback") or bool(text(trigger, "rollbackTargetDeployId"))
    return {
        "kind": "rolled_back" if rolled_back else "deploy_started",
        "deployment_id": text(details, "deployId"),
        "target_id": text(trigger, "rollbackTargetDeployId"),
        "actor": plain(first(text(trigger, "user", "email"), text(trigger, "user", "id"))),
    }


def _ended(details: Json) -> dict[str, str]:
    outcome = text(details, "deployStatus")
    reason = failure(mapping(details, "reason"))
    return {
        "kind": "deploy_ended",
        "deployment_id": text(details, "deployId"),
        "detail": "" if outcome == "succeeded" else first(reason, outcome),
    }


def _automatic_off(details: Json) -> dict[str, str]:
    return {"kind": "automatic_off", "detail": text(details, "fromTrigger")}


def _automatic_on(details: Json) -> dict[str, str]:
    return {"kind": "automatic_on", "detail": text(details, "newTrigger")}


def _told(lead: str, words: str) -> str:
    return f"{lead} {words.rstrip('.')}." if words else ""


def _timed_out(why: Json) -> str:
    seconds, reason = text(why, "timedOutSeconds"), text(why, "timedOutReason")
    return (
        f"Timed out after {seconds} s" + (f": {reason}." if reason else ".")
        if seconds
        else _told("Timed out:", reason)
    )
