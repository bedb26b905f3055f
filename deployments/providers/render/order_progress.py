"""Judges from Render's deploys and events how far a rollback order has come. Pure functions, no calls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from deployments.providers.base import (
    DeploymentStatus,
    OrderFinding,
    OrderProgress,
    OrderRecord,
    Phase,
    ReadBack,
    RemoteDeployment,
    RemoteEvent,
)
from deployments.providers.json_fields import EPOCH

# `order_intent_at` comes from a Date header: whole seconds, and of another machine than the deploys' times.
CLOCK_SKEW = timedelta(seconds=5)


def progress(deploy: RemoteDeployment, live: Sequence[RemoteDeployment], reason: str) -> OrderProgress:
    """How far the deploy that Render made for the order has come.

    `live` is what Render lists as live, `reason` why the deploy ended, "" where that is unknown.
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
    return OrderProgress(phase, deploy.raw_status, message, live_id, deploy.id)


def read_back(
    order_record: OrderRecord,
    live: Sequence[RemoteDeployment],
    newer: Sequence[RemoteDeployment],
    events: Sequence[RemoteEvent],
) -> ReadBack:
    """Did the order arrive? `newer` and `events` are the deploys and events since it was sent."""
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
        return ReadBack(OrderFinding.APPLIED, message, ours[-1], evidence)
    if fresh:
        message = "Render shows newer deployments, and none that is surely this rollback."
        return ReadBack(OrderFinding.UNDECIDED, message, "", evidence)
    if len(live) != 1 or live[0].created_at >= order_record.order_intent_at:
        return ReadBack(OrderFinding.UNDECIDED, "Render does not clearly say what is live.", "", evidence)
    message = f"The order did not arrive: no deployment was made since, and {live[0].id} is still live."
    return ReadBack(OrderFinding.NOT_APPLIED, message, "", evidence)


def _live(deploy: RemoteDeployment, live: Sequence[RemoteDeployment]) -> tuple[Phase, str]:
    if [item.id for item in live] == [deploy.id]:
        return Phase.DONE, ""
    others = ", ".join(item.id for item in live) or "none"
    return Phase.WAITING, f"Render calls {deploy.id} live, but lists as live: {others}."


def _created_at(deploy: RemoteDeployment) -> datetime:
    return deploy.created_at


def _is_fresh(deploy: RemoteDeployment, order_record: OrderRecord) -> bool:
    """Was it made after the order? A deploy without a time may have been."""
    undated = deploy.created_at == EPOCH
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
    """Does the deploy belong to the order? An event that names the target decides, else the commit."""
    if named := targets.get(deploy.id):
        return named == order_record.deployment_id
    return (
        deploy.trigger == "rollback"
        and bool(order_record.commit_sha)
        and deploy.commit_sha == order_record.commit_sha
    )
