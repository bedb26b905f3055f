"""Judges from Render's deploys and events how far a rollback order has come. Pure functions, no calls.

An order is recognised by identity: Render made a deploy whose id was not known before. No time is compared,
because the portal's clock, the `Date` header and Render's records may differ by any amount.
"""

from __future__ import annotations

from collections.abc import Sequence

from deployments.providers.base import (
    DeploymentPage,
    DeploymentStatus,
    OrderFinding,
    OrderProgress,
    OrderRecord,
    Phase,
    ReadBack,
    RemoteDeployment,
    RemoteEvent,
)


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
    serving: Sequence[RemoteDeployment],
    page: DeploymentPage,
    events: Sequence[RemoteEvent],
) -> ReadBack:
    """Did the order arrive?

    Args:
        order_record: what was known before the order.
        serving: what Render lists as live or as still running.
        page: the newest deploys.
        events: the events since about the order; they may be missing, so they only add what deploys lack.
    """
    live = [deploy for deploy in serving if deploy.status is DeploymentStatus.LIVE]
    listed = {deploy.id: deploy for deploy in (*page.deployments, *serving)}
    unknown = [deploy for deploy in listed.values() if deploy.id not in order_record.known]
    targets = {e.deployment_id: e.target_id for e in events if _names_a_target(e, order_record)}
    ours = [deploy.id for deploy in unknown if _is_ours(deploy, order_record, targets)]
    ours = ours or [new for new, target in targets.items() if target == order_record.deployment_id]
    evidence = {
        "requested": order_record.deployment_id,
        "live": ", ".join(deploy.id for deploy in live) or "none",
        "deployments since": ", ".join(f"{d.id} ({d.trigger or 'unknown'}, {d.raw_status})" for d in unknown)
        or "none",
        "rollback targets since": ", ".join(f"{new} to {old}" for new, old in targets.items()) or "none",
    }
    finding, message = _finding(order_record, ours, live, page, is_quiet=not (unknown or targets))
    return ReadBack(finding, message, ours[0] if ours else "", evidence)


def _finding(
    order_record: OrderRecord,
    ours: Sequence[str],
    live: Sequence[RemoteDeployment],
    page: DeploymentPage,
    *,
    is_quiet: bool,
) -> tuple[OrderFinding, str]:
    """`is_quiet`: neither list nor events show anything that was not known before the order."""
    if ours:
        return OrderFinding.APPLIED, f"The order arrived: Render made {ours[0]} for it."
    if not is_quiet:
        message = "Render shows newer deployments, and none that is surely this rollback."
        return OrderFinding.UNDECIDED, message
    if [deploy.id for deploy in live] != [order_record.live_before]:
        return OrderFinding.UNDECIDED, "Render does not clearly say what is live."
    # A list that is short, or begins at another end than before, may just not show what was made.
    if not page.whole or order_record.live_before not in {deploy.id for deploy in page.deployments}:
        return OrderFinding.UNDECIDED, "Render's list of deployments proves nothing: it is not whole."
    message = f"The order did not arrive: no deployment was made since, and {live[0].id} is still live."
    return OrderFinding.NOT_APPLIED, message


def _live(deploy: RemoteDeployment, live: Sequence[RemoteDeployment]) -> tuple[Phase, str]:
    if [item.id for item in live] == [deploy.id]:
        return Phase.DONE, ""
    others = ", ".join(item.id for item in live) or "none"
    return Phase.WAITING, f"Render calls {deploy.id} live, but lists as live: {others}."


def _names_a_target(event: RemoteEvent, order_record: OrderRecord) -> bool:
    is_new = event.deployment_id not in order_record.known
    return is_new and event.kind == "rolled_back" and bool(event.deployment_id and event.target_id)


def _is_ours(deploy: RemoteDeployment, order_record: OrderRecord, targets: dict[str, str]) -> bool:
    """Does the deploy belong to the order? An event that names the target decides, else the commit."""
    if named := targets.get(deploy.id):
        return named == order_record.deployment_id
    if deploy.trigger != "rollback":
        return False
    if order_record.commit_sha:
        return deploy.commit_sha == order_record.commit_sha
    return order_record.image != "" and deploy.image == order_record.image
