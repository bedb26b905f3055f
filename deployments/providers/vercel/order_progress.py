"""Judges from Vercel's project how far a rollback or promotion has come. Pure functions, no calls.

A project shows only its last move of the production domains. It counts as ours only where it is another one
than before the order, with the order's type and target, and as success only once every production domain
points to the target. No time is compared, because nobody's clock can be trusted.
"""

from __future__ import annotations

from collections.abc import Sequence

from deployments.providers.already_current import is_live
from deployments.providers.base import (
    AliasRequest,
    Current,
    OrderFinding,
    OrderProgress,
    OrderRecord,
    Phase,
    ReadBack,
)
from deployments.providers.vercel.project_state import describe_aliases

ENDED = {"succeeded", "failed", "skipped"}


def belongs(move: AliasRequest | None, order_record: OrderRecord) -> bool:
    """Is this move the one that was ordered?"""
    return is_new(move, order_record) and asked_for(move, order_record)


def is_new(move: AliasRequest | None, order_record: OrderRecord) -> bool:
    """Is it another move than the last one from before the order?"""
    return move is not None and move.identity != order_record.last_move


def asked_for(move: AliasRequest | None, order_record: OrderRecord) -> bool:
    """Does the move match the order's type and target?"""
    order = (order_record.kind, order_record.deployment_id)
    return move is not None and (move.kind, move.to_id) == order


def has_arrived(order_record: OrderRecord, current: Current) -> bool:
    """Is the target live, so that the order is done whoever did it?

    The base of a rolling release was live before it was ordered: as long as it is not known whether the
    release has ended, that the domains point to it says nothing.
    """
    was_live = order_record.deployment_id == order_record.live_before
    return is_live(current, order_record.deployment_id) and (current.release_known or not was_live)


def progress(order_record: OrderRecord, current: Current, failed_aliases: Sequence[str]) -> OrderProgress:
    """How far the move has come. `failed_aliases` are the domains that stayed, where the move failed."""
    request = current.alias_request
    phase, message = (
        _our_move(order_record, current)
        if belongs(request, order_record)
        else _without_our_move(order_record, current)
    )
    return OrderProgress(
        phase=phase,
        raw_status=request.status if request and belongs(request, order_record) else "",
        message=message,
        live_id=current.live_id,
        failed_aliases=tuple(failed_aliases) if phase is Phase.FAILED else (),
    )


def read_back(order_record: OrderRecord, current: Current) -> ReadBack:
    """Did the order arrive?"""
    request = current.alias_request
    last_move = _describe(request) if request else "none" if current.last_move_reported else "not reported"
    evidence = {
        "requested": f"{order_record.kind} to {order_record.deployment_id}",
        "last move of the domains": last_move,
        "domains": describe_aliases(current.aliases) or "not reported",
    }
    finding, message = _finding(order_record, current)
    return ReadBack(finding, message, "", evidence)


def _finding(order_record: OrderRecord, current: Current) -> tuple[OrderFinding, str]:
    request = current.alias_request
    if belongs(request, order_record) and order_record.last_move_reported:
        return OrderFinding.APPLIED, "The order arrived: Vercel shows its job."
    if has_arrived(order_record, current):
        return OrderFinding.APPLIED, "The production domains point to the target."
    if belongs(request, order_record):
        return OrderFinding.UNDECIDED, "Vercel shows such a move, and did not show the one from before."
    if request and is_new(request, order_record):
        return (
            OrderFinding.UNDECIDED,
            f"Somebody else moved the production domains meanwhile: {_describe(request)}.",
        )
    # Without its stamp, a second move to the same target looks like the first one.
    repeated = request is not None and not request.stamp and asked_for(request, order_record)
    forgotten = request is None and order_record.last_move != ""
    unchanged = current.live_id is not None and current.live_id == order_record.live_before
    # A rollback switches it off as well, also where the project does not show the move.
    switched = order_record.auto_deploy != (current.auto_deploy or "")
    unsaid = not current.last_move_reported or not current.aliases or current.conflict != ""
    if repeated or forgotten or switched or unsaid or not unchanged:
        return OrderFinding.UNDECIDED, "Vercel does not clearly say whether the order arrived."
    return (
        OrderFinding.NOT_APPLIED,
        f"The order did not arrive: no move since, and {current.live_id} is still live.",
    )


def _our_move(order_record: OrderRecord, current: Current) -> tuple[Phase, str]:
    status = current.alias_request.status if current.alias_request else ""
    done = status == "succeeded"  # which ends a rolling release, too
    arrived = is_live(current, order_record.deployment_id) if done else has_arrived(order_record, current)
    targets = describe_aliases(current.aliases) or "no domain is listed"
    if status == "failed":
        return Phase.FAILED, f"Vercel calls the move of the domains failed: {targets}."
    if arrived and status in ENDED:
        return Phase.DONE, ""
    if status == "skipped":
        return Phase.FAILED, f"Vercel skipped the move of the domains: {targets}."
    if status == "succeeded":
        return Phase.WAITING, f"Vercel calls the move of the domains done, but {targets}."
    return Phase.WAITING, ""


def _without_our_move(order_record: OrderRecord, current: Current) -> tuple[Phase, str]:
    request = current.alias_request
    arrived = has_arrived(order_record, current)
    if request and is_new(request, order_record):
        # Our promotion may be waiting for it; a rollback never waits.
        if request.status in ENDED and not arrived and order_record.kind == "rollback":
            return Phase.FAILED, f"Somebody else moved the production domains since: {_describe(request)}."
        return Phase.WAITING, f"Vercel shows another move of the production domains: {_describe(request)}."
    if arrived:
        return Phase.DONE, "The production domains point to it; Vercel shows no job for the move."
    return Phase.WAITING, "Vercel does not show the job for this move yet."


def _describe(request: AliasRequest) -> str:
    at = f", at {request.requested_at:%H:%M:%S} UTC" if request.requested_at else ""
    return f"{request.kind} to {request.to_id}, {request.status}{at}"
