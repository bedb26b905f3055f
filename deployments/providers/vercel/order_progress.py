"""Judges from Vercel's project how far a rollback or promotion has come. Pure functions, no calls.

A project shows only its last move of the production domains. It counts as ours only where type, target and
time match the order, and as success only once every production domain points to the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

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

# `order_intent_at` comes from a Date header: whole seconds, and of another machine than the moves' times.
CLOCK_SKEW = timedelta(seconds=5)
ENDED = {"succeeded", "failed", "skipped"}


def belongs(request: AliasRequest | None, order_record: OrderRecord) -> bool:
    """Is this move the one that was ordered?"""
    if not request or request.kind != order_record.kind or request.to_id != order_record.deployment_id:
        return False
    return request.requested_at >= order_record.order_intent_at - CLOCK_SKEW


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


def read_back(
    order_record: OrderRecord, current: Current, *, request_known: bool, live_is_older: bool | None
) -> ReadBack:
    """Did the order arrive?

    `request_known` is False where the project lacks the field for the last move; `live_is_older` tells
    whether the live deployment is older than the order, None where that is unknown.
    """
    request = current.alias_request
    evidence = {
        "asked for": f"{order_record.kind} to {order_record.deployment_id}",
        "last move of the domains": _describe(request)
        if request
        else "none"
        if request_known
        else "not said",
        "domains": describe_aliases(current.aliases) or "not said",
    }
    if belongs(request, order_record):
        return ReadBack(OrderFinding.APPLIED, "The order arrived: Vercel shows its job.", "", evidence)
    if current.aliases and is_live(current, order_record.deployment_id):
        return ReadBack(OrderFinding.APPLIED, "All production domains point to the target.", "", evidence)
    # `order_intent_at` has whole seconds, so a move from just before the order may look newer than it.
    if (
        request
        and request.requested_at >= order_record.order_intent_at
        and request.requested_at != order_record.last_move
    ):
        message = f"Somebody else moved the production domains meanwhile: {_describe(request)}."
        return ReadBack(OrderFinding.UNDECIDED, message, "", evidence)
    if not request_known or not current.aliases or current.conflict or live_is_older is not True:
        message = "Vercel does not clearly say whether the order arrived."
        return ReadBack(OrderFinding.UNDECIDED, message, "", evidence)
    message = f"The order did not arrive: no move since, and {current.live_id} is still live."
    return ReadBack(OrderFinding.NOT_APPLIED, message, "", evidence)


def _our_move(order_record: OrderRecord, current: Current) -> tuple[Phase, str]:
    status = current.alias_request.status if current.alias_request else ""
    arrived = bool(current.aliases) and is_live(current, order_record.deployment_id)
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
    arrived = bool(current.aliases) and is_live(current, order_record.deployment_id)
    if request and request.requested_at > order_record.order_intent_at + CLOCK_SKEW:
        # Requested after ours. Our promotion may be waiting for it; a rollback never waits.
        if request.status in ENDED and not arrived and order_record.kind == "rollback":
            return Phase.FAILED, f"Somebody else moved the production domains since: {_describe(request)}."
        return Phase.WAITING, f"Vercel shows another move of the production domains: {_describe(request)}."
    if arrived:
        return Phase.DONE, "All production domains point to it; Vercel shows no job for the move."
    return Phase.WAITING, "Vercel does not show the job for this move yet."


def _describe(request: AliasRequest) -> str:
    return f"{request.kind} to {request.to_id}, {request.status}, at {request.requested_at:%H:%M:%S} UTC"
