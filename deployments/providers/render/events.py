"""Turns Render's events into `RemoteEvent`: who deployed what, why it failed, which setting changed.

Render documents some forty types. Those that tell nothing about a deployment, a setting of it or a failure
are left out, and so is a type that is not known.

Reference: https://api-docs.render.com/reference/list-events
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deployments.providers.base import RemoteEvent
from deployments.providers.json_fields import boolean, first_nonempty, mapping, text, timestamp
from deployments.providers.render.parse import TRIGGERS
from rollback_portal.text import clean_line

Json = Mapping[str, Any]
Facts = dict[str, str]


def event(item: Json) -> RemoteEvent | None:
    """The event, or None where it does not concern deployments."""
    time = timestamp(item, "timestamp")
    parse_details = KINDS.get(text(item, "type"))
    if not parse_details or not time:
        return None
    facts = {name: clean_line(words) for name, words in parse_details(mapping(item, "details")).items()}
    return RemoteEvent(id=text(item, "id"), service_id=text(item, "serviceId"), at=time, **facts)


def failure(reason: Json) -> str:
    """Why a deploy ended as it did, as text; "" where Render gives no reason."""
    sentences = (
        "The build failed." if mapping(reason, "buildFailed") else "",
        _sentence("Superseded by", text(reason, "newDeploy", "id")),
        _broken(mapping(reason, "failure")),
    )
    return clean_line(" ".join(sentence for sentence in sentences if sentence))


def _broken(failed: Json) -> str:
    """What Render says of a process that failed."""
    limit = text(failed, "oomKilled", "memoryLimit")
    out_of_memory = isinstance(failed.get("oomKilled"), dict)
    sentences = (
        "Out of memory" + (f" (limit {limit})." if limit else ".") if out_of_memory else "",
        _sentence("The process ended with status", text(failed, "nonZeroExit")),
        _timed_out(failed),
        _sentence("Unhealthy:", text(failed, "unhealthy")),
        "The process ended early." if boolean(failed, "earlyExit") else "",
        _sentence("Evicted:", text(failed, "evictionReason") or "no reason given")
        if boolean(failed, "evicted")
        else "",
    )
    return " ".join(sentence for sentence in sentences if sentence)


# --- Deploys ---


def _started(details: Json) -> Facts:
    trigger = mapping(details, "trigger")
    rolled_back = boolean(trigger, "rollback") or bool(text(trigger, "rollbackTargetDeployId"))
    environment = boolean(trigger, "envUpdated")
    return {
        "kind": "rolled_back" if rolled_back else "environment_changed" if environment else "deploy_started",
        "deployment_id": text(details, "deployId"),
        "target_id": text(trigger, "rollbackTargetDeployId"),
        "actor": _person(trigger),
        "detail": "" if rolled_back else _cause(trigger),
    }


def _cause(trigger: Json) -> str:
    """Why a deploy was started, where it was not for a commit."""
    updated = text(trigger, "updatedProperty")
    causes = (
        "the environment variables were changed" if boolean(trigger, "envUpdated") else "",
        f"the setting {updated} was changed" if updated else "",
        "started by hand" if boolean(trigger, "manual") else "",
        "with an empty build cache" if boolean(trigger, "clearCache") else "",
        "started by Render" if boolean(trigger, "deployedByRender") else "",
    )
    return ", ".join(cause for cause in causes if cause)


def _ended(details: Json) -> Facts:
    outcome = text(details, "deployStatus")
    reason = failure(mapping(details, "reason"))
    return {
        "kind": "deploy_ended",
        "deployment_id": text(details, "deployId"),
        "detail": "" if outcome == "succeeded" else first_nonempty(reason, outcome),
        "reason": outcome,
    }


def _pre_deploy_started(details: Json) -> Facts:
    return {"kind": "pre_deploy_started", "deployment_id": text(details, "deployId")}


def _pre_deploy_ended(details: Json) -> Facts:
    outcome = text(details, "preDeployStatus")
    reason = failure(mapping(details, "reason"))
    words = "" if outcome == "succeeded" else first_nonempty(reason, f"It ended as {outcome or 'unknown'}.")
    return {
        "kind": "pre_deploy_ended",
        "deployment_id": text(details, "deployId"),
        "detail": f"The pre-deploy command did not succeed. {words}" if words else "",
        "reason": outcome,
    }


# --- Settings ---


def _auto_deploy_off(details: Json) -> Facts:
    return {
        "kind": "auto_deploy_off",
        "detail": _trigger(details, "fromTrigger"),
        "reason": text(details, "reason"),
    }


def _auto_deploy_on(details: Json) -> Facts:
    """Enabled is enough to know that they are on."""
    return {"kind": "auto_deploy_on", "detail": _trigger(details, "newTrigger") or "on"}


def _trigger(details: Json, name: str) -> str:
    """The setting, "" for a word that is not in Render's document: nobody could restore it."""
    trigger = text(details, name)
    return trigger if trigger in TRIGGERS else ""


def _suspended(details: Json) -> Facts:
    person = first_nonempty(_person(details, "suspendedByUser"), text(details, "actor"))
    return {"kind": "suspended", "actor": person, "detail": "The service was suspended."}


def _resumed(details: Json) -> Facts:
    person = first_nonempty(_person(details, "resumedByUser"), text(details, "actor"))
    return {"kind": "resumed", "actor": person, "detail": "The service was resumed."}


def _maintenance_mode(details: Json) -> Facts:
    said = {True: "was switched on", False: "was switched off", None: "was changed"}
    return {"kind": "maintenance", "detail": f"Maintenance mode {said[boolean(details, 'enabled')]}."}


def _maintenance_page(details: Json) -> Facts:
    page = text(details, "toURI") or "Render's own"
    return {"kind": "maintenance", "detail": f"The page of the maintenance mode is now {page}."}


def _maintenance_started(details: Json) -> Facts:
    trigger = mapping(details, "trigger")
    return {"kind": "maintenance", "actor": _person(trigger), "detail": "Maintenance by Render started."}


def _maintenance_ended(details: Json) -> Facts:
    return {"kind": "maintenance", "detail": "Maintenance by Render ended."}


# --- Failures ---


def _server_failed(details: Json) -> Facts:
    instance = text(details, "instanceID") or "An instance"
    reason = _broken(mapping(details, "reason")) or "Render gives no reason."
    return {"kind": "server_failed", "detail": f"{instance} failed. {reason}"}


def _hardware_failed(details: Json) -> Facts:
    return {"kind": "server_failed", "detail": "An instance failed: Render's hardware broke."}


def _image_pull_failed(details: Json) -> Facts:
    image = text(details, "imageURL") or "The image"
    return {"kind": "image_pull_failed", "detail": f"{image} could not be pulled. {_said(details)}"}


def _artifact_fetch_failed(details: Json) -> Facts:
    artifact = text(details, "artifactId") or "The artifact"
    return {"kind": "artifact_fetch_failed", "detail": f"{artifact} could not be fetched. {_said(details)}"}


KINDS: dict[str, Callable[[Json], Facts]] = {
    "deploy_started": _started,
    "deploy_ended": _ended,
    "pre_deploy_started": _pre_deploy_started,
    "pre_deploy_ended": _pre_deploy_ended,
    "auto_deploy_disabled": _auto_deploy_off,
    "auto_deploy_enabled": _auto_deploy_on,
    "service_suspended": _suspended,
    "service_resumed": _resumed,
    "maintenance_mode_enabled": _maintenance_mode,
    "maintenance_mode_uri_updated": _maintenance_page,
    "maintenance_started": _maintenance_started,
    "maintenance_ended": _maintenance_ended,
    "server_failed": _server_failed,
    "server_hardware_failure": _hardware_failed,
    "image_pull_failed": _image_pull_failed,
    "artifact_fetch_failed": _artifact_fetch_failed,
}


def _person(details: Json, name: str = "user") -> str:
    return first_nonempty(text(details, name, "email"), text(details, name, "id"))


def _said(details: Json) -> str:
    return text(details, "message") or "Render gives no reason."


def _sentence(lead: str, words: str) -> str:
    return f"{lead} {words.rstrip('.')}." if words else ""


def _timed_out(failed: Json) -> str:
    seconds, reason = text(failed, "timedOutSeconds"), text(failed, "timedOutReason")
    return (
        f"Timed out after {seconds} s" + (f": {reason}." if reason else ".")
        if seconds
        else _sentence("Timed out:", reason)
    )
