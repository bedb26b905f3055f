"""Turns Render's JSON into the types of `types.py`. In a deploy only `id` is certain to be there.

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
    EPOCH,
    boolean,
    first_nonempty,
    items,
    mapping,
    number,
    text,
    timestamp,
    value_at,
)
from rollback_portal.text import clean_line

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

# Triggers of deploys that Render makes from the current build, after a changed setting for instance. They
# do not tell whether that build went live by a rollback.
MAY_REPEAT_A_ROLLBACK = {"service_resumed", "service_updated", "deployed_by_render", "other", ""}

Json = Mapping[str, Any]


def is_preview(item: Json) -> bool:
    return bool(value_at(item, "serviceDetails", "parentServer"))


def service(item: Json) -> RemoteService:
    address = text(item, "serviceDetails", "url")
    return RemoteService(
        provider=ProviderName.RENDER,
        id=text(item, "id"),
        name=first_nonempty(text(item, "name"), text(item, "slug"), text(item, "id")),
        kind="web" if text(item, "type") == "static_site" else "api",
        owner_id=text(item, "ownerId"),
        repository=text(item, "repo").removesuffix(".git"),
        branch=text(item, "branch"),
        dashboard_url=text(item, "dashboardUrl"),
        addresses=(address,) if address.startswith(("https://", "http://")) else (),
        suspended=text(item, "suspended") == "suspended",
        auto_deploy=auto_deploy(item),
    )


def auto_deploy(item: Json) -> str | None:
    """`commit`, `checksPass` or `off`; `on` where only the older yes/no field is there; None: neither is."""
    older = {"yes": "on", "no": "off"}.get(text(item, "autoDeploy"))
    return text(item, "autoDeployTrigger") or older


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
    """True after a rollback with automatic deploys off; None where that is unknown."""
    if auto_deploy not in {None, "off"}:
        return False
    if auto_deploy is None or live is None or live.trigger in MAY_REPEAT_A_ROLLBACK:
        return None
    return live.trigger == "rollback"


def conflict(live: Sequence[RemoteDeployment]) -> str:
    """A sentence where Render does not show exactly one live deploy."""
    if not live:
        return "Render lists no deployment as live."
    if len(live) > 1:
        return f"Render lists {len(live)} deployments as live: {', '.join(deploy.id for deploy in live)}."
    return ""


def event(item: Json) -> RemoteEvent | None:
    """The event, or None where it does not concern deployments."""
    kinds = {
        "deploy_started": _started,
        "deploy_ended": _ended,
        "auto_deploy_disabled": _auto_deploy_off,
        "auto_deploy_enabled": _auto_deploy_on,
    }
    time = timestamp(item, "timestamp")
    parse_details = kinds.get(text(item, "type"))
    if not parse_details or not time:
        return None
    facts = parse_details(mapping(item, "details"))
    return RemoteEvent(id=text(item, "id"), service_id=text(item, "serviceId"), at=time, **facts)


def log_line(item: Json) -> LogLine | None:
    time = timestamp(item, "timestamp")
    labels = {text(label, "name"): text(label, "value") for label in items(item, "labels")}
    if not time:
        return None
    return LogLine(
        at=time,
        message=text(item, "message"),
        level=labels.get("level", ""),
        source=first_nonempty(labels.get("type", ""), labels.get("instance", "")),
    )


def samples(series: Json, label_field: str) -> Sequence[Sample]:
    """The points of one series, labelled by the value of `label_field`."""
    labels = {text(label, "field"): text(label, "value") for label in items(series, "labels")}
    label = first_nonempty(labels.get(label_field, ""), text(series, "labels", label_field))
    return [
        Sample(at=time, value=value, label=label, unit=text(series, "unit"))
        for point in items(series, "values")
        if (time := timestamp(point, "timestamp")) and (value := number(point, "value")) is not None
    ]


def failure(reason: Json) -> str:
    """Why a deploy ended as it did, as text; "" where Render gives no reason."""
    failed = mapping(reason, "failure")
    limit = text(failed, "oomKilled", "memoryLimit")
    sentences = [
        "The build failed." if mapping(reason, "buildFailed") else "",
        _sentence("Superseded by", text(reason, "newDeploy", "id")),
        "Out of memory" + (f" (limit {limit})." if limit else ".") if "oomKilled" in failed else "",
        _sentence("The process ended with status", text(failed, "nonZeroExit")),
        _timed_out(failed),
        _sentence("Unhealthy:", text(failed, "unhealthy")),
        "The process ended early." if boolean(failed, "earlyExit") else "",
        _sentence("Evicted:", text(failed, "evictionReason") or "no reason given")
        if boolean(failed, "evicted")
        else "",
    ]
    return clean_line(" ".join(sentence for sentence in sentences if sentence))


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


def _started(details: Json) -> dict[str, str]:
    trigger = mapping(details, "trigger")
    rolled_back = boolean(trigger, "rollback") or bool(text(trigger, "rollbackTargetDeployId"))
    return {
        "kind": "rolled_back" if rolled_back else "deploy_started",
        "deployment_id": text(details, "deployId"),
        "target_id": text(trigger, "rollbackTargetDeployId"),
        "actor": clean_line(first_nonempty(text(trigger, "user", "email"), text(trigger, "user", "id"))),
    }


def _ended(details: Json) -> dict[str, str]:
    outcome = text(details, "deployStatus")
    reason = failure(mapping(details, "reason"))
    return {
        "kind": "deploy_ended",
        "deployment_id": text(details, "deployId"),
        "detail": "" if outcome == "succeeded" else first_nonempty(reason, outcome),
    }


def _auto_deploy_off(details: Json) -> dict[str, str]:
    return {"kind": "auto_deploy_off", "detail": text(details, "fromTrigger")}


def _auto_deploy_on(details: Json) -> dict[str, str]:
    return {"kind": "auto_deploy_on", "detail": text(details, "newTrigger")}


def _sentence(lead: str, words: str) -> str:
    return f"{lead} {words.rstrip('.')}." if words else ""


def _timed_out(failed: Json) -> str:
    seconds, reason = text(failed, "timedOutSeconds"), text(failed, "timedOutReason")
    return (
        f"Timed out after {seconds} s" + (f": {reason}." if reason else ".")
        if seconds
        else _sentence("Timed out:", reason)
    )
