"""Sends the order that changes traffic, and finds out whether it arrived where no answer came."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.conf import settings

from deployments.models import Change, OperationKind, Service
from deployments.models.operation import WITHOUT_PIN
from deployments.operations.pins import set_pin, without_pin
from deployments.operations.steps.context import ChangeContext, Pause
from deployments.operations.steps.restore_auto_deploy import finish_without_effect
from deployments.providers.base import (
    Accepted,
    AlreadyCurrent,
    Busy,
    Current,
    OrderFinding,
    OrderRecord,
    ProviderError,
    Refused,
    Unreachable,
    Unreadable,
)
from rollback_portal.jobs import clock

SEND_WITHIN = 0.5  # seconds from committing the intent to the first byte
RESEND_WITHIN = timedelta(minutes=5)
LOOK_UP_FOR = timedelta(minutes=10)
LONGEST_CALL = timedelta(seconds=15)
SECOND_REFUSAL = "refused the second time"  # key in the evidence
NO_EFFECT = "Nothing was put in front of users."


def new_order_record(context: ChangeContext, current: Current) -> dict[str, Any]:
    """The record of the order that is about to be sent, as JSON with times as ISO 8601 text."""
    change, service = context.change, context.change.service
    target = change.to_deployment
    assert target is not None  # noqa: S101 - a change without a target sends no order
    known = _known_deployments(context, current) if context.is_render else ()
    rolls_back = (
        change.operation.kind == OperationKind.ROLL_BACK or service.provider == Service.ProviderChoice.RENDER
    )
    release = current.rolling_release if current.rolling_release and current.rolling_release.active else None
    completes = release is not None and release.canary_id == target.provider_id
    order_record = OrderRecord(
        kind="rollback" if rolls_back else "complete" if completes else "promote",
        service_id=service.provider_id,
        deployment_id=target.provider_id,
        order_intent_at=current.provider_time or clock.now(),
        commit_sha=target.commit_sha,
        image=target.image,
        known=known,
        live_before=current.live_id or "",
        auto_deploy=current.auto_deploy or "",
        last_move=current.alias_request.identity if current.alias_request else "",
        last_move_reported=current.last_move_reported,
        release=release.identity if release else "",
        release_as_read=release.as_read if release else "",
    )
    as_json = {
        "order_intent_at": order_record.order_intent_at.isoformat(),
        "known": list(order_record.known),
    }
    return {**asdict(order_record), **as_json}


def _known_deployments(context: ChangeContext, current: Current) -> tuple[str, ...]:
    """What Render shows before the order: the deployment that it makes for it is none of these.

    What is live or running may be older than the newest hundred. Raises Unreadable for a list that ends
    without what is live: the older rollbacks that it lacks as well would be taken for the portal's own.
    """
    page = context.provider.deployments(context.change.service.provider_id)
    listed = [deployment.id for deployment in page.deployments]
    serving = [current.live_id] if current.live_id else []
    if not page.next and (not listed or not set(serving) <= set(listed)):
        message = f"{context.provider_name}'s list of deployments lacks what is live, so it is not whole."
        raise Unreadable(message)
    return tuple(dict.fromkeys((*listed, *serving, *current.running)))


def stored_order_record(change: Change) -> OrderRecord:
    """The record of a change whose order has been prepared."""
    order = change.order
    assert order is not None  # noqa: S101 - the steps that ask for it come after `new_order_record`
    return order


def commit_intent(context: ChangeContext, order_record: dict[str, Any]) -> float:
    """Commit the intent to call the provider, before calling it.

    Returns the monotonic time until which the first byte may be sent. A worker that was frozen in between
    must not send when it wakes up: another one may have looked the order up and gone on without it.
    """
    change, deadline = context.change, time.monotonic() + SEND_WITHIN
    context.advance(
        "sending",
        order_intent_at=clock.now(),
        order_record=order_record,
        auto_deploy_before=change.auto_deploy_before,
        message=f"The order is being sent to {context.provider_name}.",
    )
    return deadline


def send(context: ChangeContext, deadline: float) -> Pause:
    """Call the provider once. Without an answer nothing is assumed: the order is looked up instead."""
    try:
        accepted = _call_provider(context, deadline)
    except (Busy, Unreachable) as error:
        return context.queue_again(error)
    except Refused as error:
        return _refused(context, error)
    except ProviderError as error:
        return _unclear(context, f"{error} Whether the order arrived", {"lost answer": str(error)}, error)
    if accepted.ref and accepted.ref in context.change.order_record["known"]:
        said = (
            f"{context.provider_name} accepted it and named {accepted.ref}, which is from before the order."
        )
        return _unclear(context, f"{said} Whether the order arrived", {"lost answer": said})
    message = (
        f"{context.provider_name} accepted it{', behind another deployment' if accepted.queued else ''}."
    )
    _accept(
        context,
        accepted.ref,
        message,
        provider_status=accepted.raw_status,
        provider_request_id=accepted.request_id,
    )
    return 0.1


def _call_provider(context: ChangeContext, deadline: float) -> Accepted:
    order_record = stored_order_record(context.change)
    if order_record.kind == "promote":
        return context.provider.promote(
            order_record.service_id, order_record.deployment_id, deadline=deadline
        )
    if order_record.kind == "complete":
        return context.provider.complete_release(
            order_record.service_id, order_record.deployment_id, deadline=deadline
        )
    why = context.change.operation.why
    return context.provider.roll_back(
        order_record.service_id, order_record.deployment_id, reason=why, deadline=deadline
    )


def _refused(context: ChangeContext, error: Refused) -> Pause:
    """A refusal of the only order ends the change; a second one may be refused because the first arrived."""
    target = context.change.to_deployment
    assert target is not None  # noqa: S101
    if context.change.resends:
        return _unclear(
            context, f"{error} Whether the first order arrived late", {SECOND_REFUSAL: str(error)}, error
        )
    if not isinstance(error, AlreadyCurrent):
        return finish_without_effect(context, "failed", f"{error} {NO_EFFECT}", error)
    undone = without_pin(context.change, _auto_deploy_now(context))
    message = f"{context.provider_name} says that {target.short_sha} is current already. {undone}".strip()
    evidence = {**context.change.evidence, **({WITHOUT_PIN: undone} if undone else {})}
    context.advance(
        "serving",
        message=message,
        evidence=evidence,
        provider_request_id=error.request_id,
        provider_answered_at=clock.now(),
    )
    return 0.0


def _auto_deploy_now(context: ChangeContext) -> str | None:
    """The setting, which somebody else may have changed together with what is live; None where unknown."""
    try:
        return context.provider.current(context.change.service.provider_id).auto_deploy
    except ProviderError:
        return None


def _accept(context: ChangeContext, ref: str, message: str, **fields: Any) -> None:
    change = context.change
    pins = change.operation.kind == OperationKind.ROLL_BACK
    in_transaction = (lambda: set_pin(change)) if pins else None
    context.advance(
        "accepted",
        provider_ref=ref,
        message=message,
        provider_answered_at=clock.now(),
        in_transaction=in_transaction,
        **fields,
    )


def _unclear(
    context: ChangeContext, subject: str, evidence: dict[str, str], error: ProviderError | None = None
) -> Pause:
    """The order may have been applied: wait until it must have shown up at the provider, then look it up.

    `subject` begins the sentence that ends in "is being read back". The end of the wait is stored, so that it
    holds for any worker that goes on.
    """
    change, now = context.change, clock.now()
    ended = now if error else max(now, (change.order_intent_at or now) + LONGEST_CALL)
    settled_at = ended + timedelta(seconds=settings.SETTLE_SECONDS)
    context.advance(
        "unclear",
        message=f"{subject} is being read back; it is not sent again.",
        evidence={**change.evidence, **evidence},
        provider_request_id=error.request_id if error else "",
        not_before=settled_at,
    )
    return max((settled_at - clock.now()).total_seconds(), 0.0)


def recover_interrupted_send(context: ChangeContext) -> Pause:
    """A row found in `sending` was left by a worker that died in the middle: the order may have been applied.

    If that worker is only frozen at its first byte, it may even send now, so the wait counts from now.
    """
    order_intent_at = context.change.order_intent_at or clock.now()
    at = f"{order_intent_at:%H:%M:%S} UTC"
    message = f"The worker that called {context.provider_name} at {at} stopped without an answer."
    return _unclear(context, f"{message} Whether the order arrived", {"lost answer": message})


def look_up_order(context: ChangeContext) -> Pause:
    """Look the order up in the provider's own records, and continue, resend or end accordingly."""
    change = context.change
    result = context.provider.read_back(stored_order_record(change))
    change.evidence = {**change.evidence, **result.evidence}
    if result.finding == OrderFinding.APPLIED:
        _accept(context, result.ref, result.message, evidence=change.evidence)
        return 0.1
    if result.finding == OrderFinding.NOT_APPLIED and _may_send_again(change):
        return _send_again(context, result.message)
    if result.finding == OrderFinding.NOT_APPLIED:
        refused = change.evidence.get(SECOND_REFUSAL, "")
        return finish_without_effect(context, "failed", f"{refused} {result.message} {NO_EFFECT}".strip())
    if clock.now() - (change.order_intent_at or clock.now()) > LOOK_UP_FOR:
        return context.end(
            "needs_attention", f"{result.message} The portal cannot tell whether the order was applied."
        )
    context.note(message=result.message, evidence=change.evidence, provider_answered_at=clock.now())
    return 5.0


def look_before_sending_again(context: ChangeContext) -> Pause:
    """Look once more right before a repeated order: the first one may have shown up since. None: send it."""
    result = context.provider.read_back(stored_order_record(context.change))
    if result.finding == OrderFinding.NOT_APPLIED:
        return None
    evidence = {**context.change.evidence, **result.evidence}
    context.advance("unclear", message=f"{result.message} It is not sent again.", evidence=evidence)
    return 0.0


def _may_send_again(change: Change) -> bool:
    """At most once, within `RESEND_WITHIN`, and not where somebody asked to cancel."""
    young = clock.now() - change.operation.requested_at < RESEND_WITHIN
    return change.resends == 0 and young and change.cancel_requested_at is None


def _send_again(context: ChangeContext, message: str) -> Pause:
    context.advance(
        "queued",
        resends=context.change.resends + 1,
        evidence=context.change.evidence,
        message=f"{message} The order did not arrive; it is sent once more.",
    )
    return 0.0
