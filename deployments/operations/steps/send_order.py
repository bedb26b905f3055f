"""The one call that changes traffic, and how to find out what became of it."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from deployments.models import Change, Kind, Service
from deployments.operations.pins import set_pin
from deployments.operations.steps.context import ChangeContext, Next
from deployments.operations.steps.restore_auto_deploy import undo
from deployments.providers.base import (
    Accepted,
    AlreadyCurrent,
    Busy,
    Current,
    Finding,
    OrderRecord,
    ProviderError,
    Refused,
    Unreachable,
)

SEND_WITHIN = 0.5  # seconds from writing the intent down to the first byte
RESEND_WITHIN = timedelta(minutes=5)
READ_BACK_FOR = timedelta(minutes=10)
LONGEST_CALL = timedelta(seconds=15)
REFUSED = "refused the second time"  # the evidence of it
NOTHING = "Nothing was put in front of users."


def new_ticket(context: ChangeContext, current: Current) -> dict[str, Any]:
    """What is about to be asked for, as it is stored: times as text.

    An order that is sent again keeps its first ticket, by which both can be recognised.
    """
    change, service = context.change, context.change.service
    if change.resends:
        return dict(change.order_record)
    target = change.to_deployment
    assert target is not None  # noqa: S101 - a change without a target never asks for traffic
    newest = context.provider.deployments(service.provider_id, limit=20).deployments
    rolls_back = change.operation.kind == Kind.ROLL_BACK or service.provider == Service.Provider.RENDER
    order_record = OrderRecord(
        kind="rollback" if rolls_back else "promote",
        service_id=service.provider_id,
        deployment_id=target.provider_id,
        order_intent_at=current.provider_time or timezone.now(),
        commit_sha=target.commit_sha,
        known=tuple(deployment.id for deployment in newest),
    )
    moved = current.alias_request.requested_at.isoformat() if current.alias_request else None
    told = {
        "order_intent_at": order_record.order_intent_at.isoformat(),
        "known": list(order_record.known),
        "last_move": moved,
    }
    return {**asdict(order_record), **told}


def stored_ticket(change: Change) -> OrderRecord:
    """The ticket as the provider's client wants it, with the provider's reference once that is known."""
    stored = change.order_record
    return OrderRecord(
        kind=stored["kind"],
        service_id=stored["service_id"],
        deployment_id=stored["deployment_id"],
        order_intent_at=datetime.fromisoformat(stored["order_intent_at"]),
        ref=change.provider_ref,
        commit_sha=stored["commit_sha"],
        known=tuple(stored["known"]),
        last_move=datetime.fromisoformat(stored["last_move"]) if stored.get("last_move") else None,
    )


def commit_intent(context: ChangeContext, order_record: dict[str, Any]) -> float:
    """Write down that the provider is about to be asked, before it is.

    Returns the monotonic time until which the first byte may be written. A worker that was frozen meanwhile
    must not wake up and send: others may have looked the order up and gone on without it.
    """
    change, deadline = context.change, time.monotonic() + SEND_WITHIN
    pins_first = context.is_render and change.operation.kind == Kind.ROLL_BACK
    context.advance(
        "sending",
        order_intent_at=timezone.now(),
        order_record=order_record,
        auto_deploy_before=change.auto_deploy_before,
        message=f"{context.provider_name} is being asked.",
        closing=(lambda: set_pin(change)) if pins_first else None,
    )
    return deadline


def send(context: ChangeContext, deadline: float) -> Next:
    """Ask the provider, once. Its answer decides; a missing answer decides nothing."""
    try:
        accepted = _ask(context, deadline)
    except (Busy, Unreachable) as error:
        return context.not_applied(error)
    except Refused as error:
        return _refused(context, error)
    except ProviderError as error:
        return _unclear(context, f"{error} Whether the order arrived", {"lost answer": str(error)}, error)
    said = f"{context.provider_name} accepted it{', behind another deployment' if accepted.queued else ''}."
    _accept(
        context,
        accepted.ref,
        said,
        provider_status=accepted.raw_status,
        provider_request_id=accepted.request_id,
    )
    return 0.1


def _ask(context: ChangeContext, deadline: float) -> Accepted:
    order_record = stored_ticket(context.change)
    if order_record.kind == "promote":
        return context.provider.promote(
            order_record.service_id, order_record.deployment_id, deadline=deadline
        )
    why = context.change.operation.why
    return context.provider.roll_back(
        order_record.service_id, order_record.deployment_id, reason=why, deadline=deadline
    )


def _refused(context: ChangeContext, error: Refused) -> Next:
    """A no to the only order is the end of it. A second one may be refused because the first has arrived."""
    target = context.change.to_deployment
    assert target is not None  # noqa: S101
    if context.change.resends:
        return _unclear(
            context, f"{error} Whether the first order arrived late", {REFUSED: str(error)}, error
        )
    if not isinstance(error, AlreadyCurrent):
        return undo(context, "failed", f"{error} {NOTHING}", error)
    said = f"{context.provider_name} says that {target.short_sha} is current already."
    context.advance(
        "serving", message=said, provider_request_id=error.request_id, provider_answered_at=timezone.now()
    )
    return 0.0


def _accept(context: ChangeContext, ref: str, message: str, **fields: Any) -> None:
    change = context.change
    pins = change.operation.kind == Kind.ROLL_BACK
    closing = (lambda: set_pin(change)) if pins else None
    context.advance(
        "accepted",
        provider_ref=ref,
        message=message,
        provider_answered_at=timezone.now(),
        closing=closing,
        **fields,
    )


def _unclear(
    context: ChangeContext, said: str, evidence: dict[str, str], error: ProviderError | None = None
) -> Next:
    """Until when the order may surface is written down with it: whoever goes on has to wait as long."""
    change, now = context.change, timezone.now()
    ended = now if error else max(now, (change.order_intent_at or now) + LONGEST_CALL)
    settled_at = ended + timedelta(seconds=settings.SETTLE_SECONDS)
    context.advance(
        "unclear",
        message=f"{said} is being read back; it is not sent again.",
        evidence={**change.evidence, **evidence},
        provider_request_id=error.request_id if error else "",
        not_before=settled_at,
    )
    return max((settled_at - timezone.now()).total_seconds(), 0.0)


def find_out(context: ChangeContext) -> Next:
    """A row found in `sending` belongs to a worker that died in the middle: it may have been applied.

    Frozen at its first byte, it may even have sent just now, so the settle time counts from now.
    """
    order_intent_at = context.change.order_intent_at or timezone.now()
    said = (
        f"The worker that asked {context.provider_name} at {order_intent_at:%H:%M:%S} UTC did not come back."
    )
    return _unclear(context, f"{said} Whether the order arrived", {"lost answer": said})


def read_back(context: ChangeContext) -> Next:
    """Look the order up in the provider's own record."""
    change = context.change
    answer = context.provider.read_back(stored_ticket(change))
    change.evidence = {**change.evidence, **answer.evidence}
    if answer.finding == Finding.APPLIED:
        _accept(context, answer.ref, answer.message, evidence=change.evidence)
        return 0.1
    if answer.finding == Finding.NOT_APPLIED and _may_send_again(change):
        return _send_again(context, answer.message)
    if answer.finding == Finding.NOT_APPLIED:
        refused = change.evidence.get(REFUSED, "")
        return undo(context, "failed", f"{refused} {answer.message} {NOTHING}".strip())
    if timezone.now() - (change.order_intent_at or timezone.now()) > READ_BACK_FOR:
        return context.end(
            "needs_attention", f"{answer.message} The portal cannot tell whether the order was applied."
        )
    context.note(message=answer.message, evidence=change.evidence, provider_answered_at=timezone.now())
    return 5.0


def _may_send_again(change: Change) -> bool:
    """Once, and only where the provider shows that nothing arrived and nobody else moved anything since."""
    young = timezone.now() - change.operation.requested_at < RESEND_WITHIN
    return change.resends == 0 and young and change.cancel_requested_at is None


def _send_again(context: ChangeContext, message: str) -> Next:
    context.advance(
        "queued",
        resends=context.change.resends + 1,
        evidence=context.change.evidence,
        message=f"{message} The order did not arrive; it is sent once more.",
    )
    return 0.0
