"""Judges what Vercel shows about a move of the production domains that we asked for. Pure.

Vercel's own command line reports a stale job of somebody else as its own success. Here a job counts only
where type, target and time belong to the ticket, and success is where every production domain points.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from deployments.providers.already_current import serves
from deployments.providers.base import AliasRequest, Current, Finding, OrderRecord, Phase, Progress, ReadBack
from deployments.providers.vercel.project_state import where

# `asked_at` is a Date header in whole seconds, from another machine than the one that dates the jobs.
CLOCK_SKEW = timedelta(seconds=5)
ENDED = {"succeeded", "failed", "skipped"}


def belongs(request: AliasRequest | None, order_record: OrderRecord) -> bool:
    """Is this job the one of the ticket?"""
    if not request or request.kind != order_record.kind or request.to_id != order_record.deployment_id:
        return False
    return request.requested_at >= order_record.order_intent_at - CLOCK_SKEW


def progress(order_record: OrderRecord, current: Current, failed_aliases: Sequence[str]) -> Progress:
    """Where the move stands. `failed_aliases` are asked for only where the job has failed."""
    request = current.alias_request
    phase, message = (
        _ours(order_record, current)
        if belongs(request, order_record)
        else _without_job(order_record, current)
    )
    return Progress(
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

    `request_known` is False where the project lacks the field for the last move; `live_is_older` says
    whether what serves was made before we asked, None where that cannot be told.
    """
    request = current.alias_request
    evidence = {
        "asked for": f"{order_record.kind} to {order_record.deployment_id}",
        "last move of the domains": _told(request) if request else "none" if request_known else "not said",
        "domains": where(current.aliases) or "not said",
    }
    if belongs(request, order_record):
        return ReadBack(Finding.APPLIED, "The order arrived: Vercel shows its job.", "", evidence)
    if current.aliases and serves(current, order_record.deployment_id):
        return ReadBack(Finding.APPLIED, "All production domains point to the target.", "", evidence)
    # In whole seconds `asked_at` may be before a move that stood there already when we looked.
    if (
        request
        and request.requested_at >= order_record.order_intent_at
        and request.requested_at != order_record.last_move
    ):
        message = f"Somebody else moved the production domains meanwhile: {_told(request)}."
        return ReadBack(Finding.UNDECIDED, message, "", evidence)
    if not request_known or not current.aliases or current.doubt or live_is_older is not True:
        message = "Vercel does not clearly say whether the order arrived."
        return ReadBack(Finding.UNDECIDED, message, "", evidence)
    message = f"The order did not arrive: no move since, and {current.live_id} is still live."
    return ReadBack(Finding.NOT_APPLIED, message, "", evidence)


def _ours(order_record: OrderRecord, current: Current) -> tuple[Phase, str]:
    status = current.alias_request.status if current.alias_request else ""
    arrived = bool(current.aliases) and serves(current, order_record.deployment_id)
    places = where(current.aliases) or "no domain is listed"
    if status == "failed":
        return Phase.FAILED, f"Vercel calls the move of the domains failed: {places}."
    if arrived and status in ENDED:
        return Phase.DONE, ""
    if status == "skipped":
        return Phase.FAILED, f"Vercel skipped the move of the domains: {places}."
    if status == "succeeded":
        return Phase.WAITING, f"Vercel calls the move of the domains done, but {places}."
    return Phase.WAITING, ""


def _without_job(order_record: OrderRecord, current: Current) -> tuple[Phase, str]:
    request = current.alias_request
    arrived = bool(current.aliases) and serves(current, order_record.deployment_id)
    if (
        request and request.requested_at > order_record.order_intent_at + CLOCK_SKEW
    ):  # surely asked for after ours
        # A promotion may be queued behind the rolling release that this is; a rollback never is.
        if request.status in ENDED and not arrived and order_record.kind == "rollback":
            return Phase.FAILED, f"Somebody else moved the production domains since: {_told(request)}."
        return Phase.WAITING, f"Vercel shows another move of the production domains: {_told(request)}."
    if arrived:
        return Phase.DONE, "All production domains point to it; Vercel shows no job for the move."
    return Phase.WAITING, "Vercel does not show the job for this move yet."


def _told(request: AliasRequest) -> str:
    return f"{request.kind} to {request.to_id}, {request.status}, at {request.requested_at:%H:%M:%S} UTC"
