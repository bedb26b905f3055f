"""Judges what Render shows about a rollback that we asked for. Pure: facts in, verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from deployments.providers.base import (
    DeploymentStatus,
    Finding,
    OrderRecord,
    Phase,
    Progress,
    ReadBack,
    RemoteDeployment,
    RemoteEvent,
)
from deployments.providers.json_fields import BEGINNING

# `asked_at` is a Date header in whole seconds, from another machine than the one that dates the deploys.
CLOCK_SKEW = timedelta(seconds=5)


def progress(
    order_record: OrderRecord, deploy: RemoteDeployment, live: Sequence[RemoteDeployment], reason: str
) -> Progress:
    """Where the deploy that Render made for the ticket stands.

    `live` is what Render lists as live, `reason` why the deploy ended, "" where that is not known.
    """
    live_id = live[0].id if len(live) == 1 else None
    if deploy.status is DeploymentStatus.LIVE:
        phase, message = _live(deploy, live)
    elif deploy.status is DeploymentStatus.RETIRED:
        phase, message = (
            Phase.FAILED,
            f"It went live, and {live_id or 'another deployment'} has replaced it since.",
        )
    elif deploy.status is DeploymentStatus.FAILED:
        phase, message = Phase.FAILED, reason or "Render ended it as failed and gives no reason."
    elif deploy.status is DeploymentStatus.CANCELED:
        phase, message = Phase.CANCELED, reason or "It was canceled at Render."
    else:
        phase, message = Phase.WAITING, ""
    return Progress(phase, deploy.raw_status, message, live_id, deploy.id)


def read_back(
    order_record: OrderRecord,
    live: Sequence[RemoteDeployment],
    newer: Sequence[RemoteDeployment],
    events: Sequence[RemoteEvent],
) -> ReadBack:
    """Did the order arrive? `newer` are the deploys and `events` the events since it was sent."""
    fresh = [deploy for deploy in newer if _is_fresh(deploy, order_record)]
    targets = {e.deployment_id: e.target_id for e in events if _names_a_target(e, order_record)}
    ours = [deploy.id for deploy in sorted(fresh, key=_created_at) if _is_ours(deploy, order_record, targets)]
    ours = ours or [new for new, target in targets.items() if target == order_record.deployment_id]
    evidence = {
        "asked for": order_record.deployment_id,
        "live": ", ".join(deploy.id for deploy in live) or "none",
        "deployments since": ", ".join(f"{d.id} ({d.trigger or 'unknown'}, {d.raw_status})" for d in fresh)
        or "none",
        "rollback targets since": ", ".join(f"{new} to {old}" for new, old in targets.items()) or "none",
    }
    if ours:
        message = f"The order arrived: Render made {ours[-1]} for it."
        return ReadBack(Finding.APPLIED, message, ours[-1], evidence)
    if fresh:
        message = "Render shows newer deployments, and none that is surely this rollback."
        return ReadBack(Finding.UNDECIDED, message, "", evidence)
    if len(live) != 1 or live[0].created_at >= order_record.order_intent_at:
        return ReadBack(Finding.UNDECIDED, "Render does not clearly say what is live.", "", evidence)
    message = f"The order did not arrive: no deployment was made since, and {live[0].id} is still live."
    return ReadBack(Finding.NOT_APPLIED, message, "", evidence)


def _live(deploy: RemoteDeployment, live: Sequence[RemoteDeployment]) -> tuple[Phase, str]:
    if [shown.id for shown in live] == [deploy.id]:
        return Phase.DONE, ""
    others = ", ".join(shown.id for shown in live) or "none"
    return Phase.WAITING, f"Render calls {deploy.id} live, but lists as live: {others}."


def _created_at(deploy: RemoteDeployment) -> datetime:
    return deploy.created_at


def _is_fresh(deploy: RemoteDeployment, order_record: OrderRecord) -> bool:
    """Made since we asked; a deploy without a time may have been."""
    undated = deploy.created_at == BEGINNING
    return deploy.id not in order_record.known and (
        undated or deploy.created_at >= order_record.order_intent_at - CLOCK_SKEW
    )


def _names_a_target(event: RemoteEvent, order_record: OrderRecord) -> bool:
    is_new = (
        event.deployment_id not in order_record.known
        and event.at >= order_record.order_intent_at - CLOCK_SKEW
    )
    return is_new and event.kind == "rolled_back" and bool(event.deployment_id and event.target_id)


def _is_ours(deploy: RemoteDeployment, order_record: OrderRecord, targets: dict[str, str]) -> bool:
    """An event that names the target decides; without one, a rollback to the same commit is ours."""
    if named := targets.get(deploy.id):
        return named == order_record.deployment_id
    return (
        deploy.trigger == "rollback"
        and bool(order_record.commit_sha)
        and deploy.commit_sha == order_record.commit_sha
    )
