"""Vercel's rolling releases: a new deployment, the canary, gets a growing share of the requests of the base.

Until it ends, the base is what is live. A rollback aborts it, a completion gives the canary everything, and a
promotion is queued until it has ended. As everywhere, an order is recognised by identity and not by time.

Reference: https://vercel.com/docs/rolling-releases
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deployments.providers.already_current import is_live
from deployments.providers.base import (
    Current,
    OrderFinding,
    OrderProgress,
    OrderRecord,
    Phase,
    ReadBack,
    RollingRelease,
)
from deployments.providers.json_fields import boolean, items, mapping, number, text

Json = Mapping[str, Any]
LONGEST_STAMP = 40


def may_be_under_way(project: Json) -> bool:
    """Only a project that is set up for them, or shows one, is asked: the call counts against a limit."""
    shown = [mapping(project, "targets", "production"), *items(project, "latestDeployments")]
    configured = bool(mapping(project, "rollingRelease"))
    return configured or any(text(row, "readySubstate") == "ROLLING" for row in shown)


def parse(body: object) -> RollingRelease | None:
    """The release of a project; None where it has none, or one without a base and a canary."""
    release = mapping(body, "rollingRelease")
    base = text(release, "currentDeployment", "id")
    canary = text(release, "canaryDeployment", "id")
    if not (base and canary):
        return None
    active, following = mapping(release, "activeStage"), mapping(release, "nextStage")
    index = number(active, "index")
    return RollingRelease(
        state=text(release, "state")[:LONGEST_STAMP],
        base_id=base,
        canary_id=canary,
        percent=_share(release, active),
        paused=text(release, "substate") == "PAUSED",
        stage=int(index) + 1 if index is not None else None,
        stages=len(items(release, "stages")),
        next_percent=number(following, "targetPercentage"),
        needs_approval=boolean(following, "requireApproval") or False,
        queued_id=text(release, "queuedDeploymentId"),
        started=text(release, "startedAt")[:LONGEST_STAMP],
        updated=text(release, "updatedAt")[:LONGEST_STAMP],
    )


def _share(release: Json, active_stage: Json) -> float | None:
    """While the share of a stage is shifted little by little, the release says how far that is."""
    now = number(release, "currentCanaryPercentage")
    return now if now is not None else number(active_stage, "targetPercentage")


def with_release(current: Current, release: RollingRelease | None) -> Current:
    """While one is active the base is live, and domains that point to its canary contradict nothing."""
    if release is None or not release.active:
        return replace(current, rolling_release=release)
    involved = {release.base_id, release.canary_id}
    shown = {alias.deployment_id for alias in current.aliases} | {current.target_id}
    conflict = "" if shown - {None} <= involved else current.conflict
    return replace(current, rolling_release=release, live_id=release.base_id, conflict=conflict)


def is_same(one: str, other: str) -> bool:
    """Whether two identities are of one release; base and canary suffice where one lacks its time."""
    parts, others = one.split(" "), other.split(" ")
    return parts[:2] == others[:2] and (parts[2:] == others[2:] or "" in {*parts[2:], *others[2:]})


# --- Orders ---


def concerns(order_record: OrderRecord, current: Current) -> bool:
    """Whether the release decides about the order, and not the last move of the domains alone."""
    release = current.rolling_release
    return order_record.release != "" or (release is not None and release.active)


def read_back(order_record: OrderRecord, current: Current, usual: ReadBack) -> ReadBack:
    """Did an order arrive that was sent while a release was active, or is one active now?

    Args:
        usual: what the last move of the domains says of it.
    """
    release = current.rolling_release
    evidence = {**usual.evidence, "rolling release": _describe(release) if release else "none is shown"}
    finding, message = _finding(order_record, current, usual)
    return ReadBack(finding, message, usual.ref, evidence)


def _finding(order_record: OrderRecord, current: Current, usual: ReadBack) -> tuple[OrderFinding, str]:
    if usual.finding is OrderFinding.APPLIED:
        return usual.finding, usual.message
    if order_record.kind == "promote":
        return _queued(order_record, current)
    release, kind = current.rolling_release, order_record.kind
    if release is None or not is_same(release.identity, order_record.release):
        return OrderFinding.UNDECIDED, "Vercel does not show the rolling release that the order was about."
    # Aborting leads to the base: it says nothing of a rollback to another deployment.
    reaches = order_record.deployment_id in {release.base_id, release.canary_id}
    if reaches and release.state == {"rollback": "ABORTED", "complete": "COMPLETE"}[kind]:
        return OrderFinding.APPLIED, f"The order arrived: {_describe(release)}."
    if not release.active or release.as_read != order_record.release_as_read:
        return OrderFinding.UNDECIDED, f"The rolling release has changed since: {_describe(release)}."
    # The release ends only after the domains have moved: a move that has begun may be the order's.
    if usual.finding is not OrderFinding.NOT_APPLIED:
        return usual.finding, usual.message
    return OrderFinding.NOT_APPLIED, f"The order did not arrive: {_describe(release)}, as before."


def _queued(order_record: OrderRecord, current: Current) -> tuple[OrderFinding, str]:
    """A queued promotion is no move of the domains yet, so their last move never speaks against it."""
    if has_queued(order_record, current):
        return OrderFinding.APPLIED, "The order arrived: Vercel has queued it behind the rolling release."
    return OrderFinding.UNDECIDED, "The order may be queued behind a rolling release: Vercel does not say."


def has_queued(order_record: OrderRecord, current: Current) -> bool:
    """Whether Vercel starts the promotion when the active release has ended."""
    release = current.rolling_release
    if order_record.kind != "promote" or release is None or not release.active:
        return False
    return release.queued_id == order_record.deployment_id


def queued(current: Current) -> OrderProgress:
    message = "Vercel has queued it: it starts when the rolling release has ended."
    return OrderProgress(Phase.WAITING, "queued", message, current.live_id)


def completion(order_record: OrderRecord, current: Current) -> OrderProgress:
    """How far Vercel is with giving the canary everything."""
    release = current.rolling_release
    ours = release is not None and is_same(release.identity, order_record.release)
    if is_live(current, order_record.deployment_id):
        return OrderProgress(Phase.DONE, "COMPLETE", "", current.live_id)
    if release is not None and ours and release.state == "ABORTED":
        return OrderProgress(Phase.FAILED, "ABORTED", "The rolling release was aborted.", current.live_id)
    message = f"{_describe(release)[:1].upper()}{_describe(release)[1:]}." if release else ""
    return OrderProgress(Phase.WAITING, release.state if release else "", message, current.live_id)


def _describe(release: RollingRelease) -> str:
    share = f", {release.percent:g}% on {release.canary_id}" if release.percent is not None else ""
    queued = f", {release.queued_id} is queued" if release.queued_id else ""
    return f"the rolling release of {release.canary_id} is {release.state}{share}{queued}"
