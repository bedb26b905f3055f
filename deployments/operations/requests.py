"""What people can do: request an operation, cancel it, settle an unclear one. The worker does the rest.

Each function is a single transaction together with its audit entry, and notifies the dispatchers.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from deployments.models import Change, Operation, OperationKind, Service
from deployments.operations.overdue import overdue_since
from deployments.operations.pins import set_pin
from deployments.operations.plan import Plan
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor, record
from rollback_portal.jobs import clock
from rollback_portal.jobs.lease import RELEASED
from rollback_portal.jobs.notify import notify_dispatchers

ACTIONS: dict[str, str] = {
    OperationKind.ROLL_BACK: "rollback",
    OperationKind.PROMOTE: "promotion",
    OperationKind.LEAVE: "leaving the rollback",
}


class OperationRefused(Exception):
    """The action is not possible; `str()` says why. Nothing was changed."""


class OperationUnderWay(Exception):
    """Another operation is under way on the service: `change`."""

    def __init__(self, change: Change) -> None:
        super().__init__(f"{change.operation.requested_by_name} was faster: an operation is under way.")
        self.change = change


def active_change(service: Service) -> Change | None:
    """The change that is under way on the service, with what a page shows of it loaded."""
    return Change.objects.shown().active().filter(service=service).first()


def request_operation(
    actor: Actor,
    plan: Plan,
    *,
    idempotency_key: UUID,
    reason: str,
    reason_detail: str,
    incident: str,
    incident_began_at: datetime | None = None,
    marks_bad: bool | None = None,
) -> Operation:
    """Queue the operation that the plan describes, at most once for each key.

    Args:
        actor: who requests it; the caller has checked the permission.
        plan: made from the rows as they are now.
        idempotency_key: the form's key. Where an operation has it already, that one is returned.
        reason: one of `Reason`; may be empty only for leaving a rollback.
        reason_detail: the reason in the person's own words.
        incident: a reference, may be empty.
        incident_began_at: when the incident began, where an alert said so.
        marks_bad: whether a rollback marks the commit that it takes away bad, once its target serves.

    Raises:
        OperationRefused: the plan says why it is not possible; recorded in the audit log.
        OperationUnderWay: another operation is active on the service; recorded in the audit log.
    """
    earlier = Operation.objects.filter(idempotency_key=idempotency_key).first()
    if earlier is not None:
        return earlier
    running = active_change(plan.service)
    if running is None and plan.ineligible_reason:
        _record_refusal(actor, plan, plan.ineligible_reason, reason=reason_detail, incident=incident)
        raise OperationRefused(f"{plan.title}: {plan.ineligible_reason}. Nothing was started.")
    try:
        with transaction.atomic():
            return _create_operation(
                actor,
                plan,
                idempotency_key=idempotency_key,
                reason=reason,
                reason_detail=reason_detail,
                incident=incident,
                incident_began_at=incident_began_at,
                marks_bad=marks_bad,
            )
    except IntegrityError:
        return _existing_or_refused(
            actor, plan, idempotency_key=idempotency_key, reason_detail=reason_detail, incident=incident
        )


def _create_operation(actor: Actor, plan: Plan, **request: Any) -> Operation:
    operation = Operation.objects.create(
        **request,
        kind=plan.kind,
        requested_by_id=actor.user_id,
        requested_by_name=actor.name,
        requested_by_role=actor.role,
        requested_at=clock.now(),
        plan=plan.stored(),
    )
    Change.objects.create(
        operation=operation,
        service=plan.service,
        from_deployment=plan.live,
        to_deployment=plan.target,
        cancel_builds_first=plan.cancel_builds_first,
        status_times={"queued": clock.now().isoformat()},
    )
    notify_dispatchers()
    record(
        actor,
        f"{ACTIONS[plan.kind]} requested",
        Outcome.ASKED,
        plan.service.label,
        f"{actor.name} requested: {plan.title}.",
        operation=operation.pk,
        reason=operation.why,
        incident=operation.incident,
        before={"live": str(plan.live) if plan.live else None, "auto_deploy": plan.service.auto_deploy},
        after={"live": str(plan.target) if plan.target else None},
    )
    return operation


def _existing_or_refused(
    actor: Actor, plan: Plan, *, idempotency_key: UUID, reason_detail: str, incident: str
) -> Operation:
    """A unique constraint refused the row: the same form was sent twice, or somebody else was faster."""
    earlier = Operation.objects.filter(idempotency_key=idempotency_key).first()
    if earlier is not None:
        return earlier
    running = active_change(plan.service)
    if running is None:
        raise OperationRefused(
            f"{plan.title}: another operation has just ended. Look at the plan again; nothing was started."
        )
    message = f"{running.operation.requested_by_name} has an operation under way on {plan.service.short}"
    _record_refusal(actor, plan, message, reason=reason_detail, incident=incident)
    raise OperationUnderWay(running)


def _record_refusal(actor: Actor, plan: Plan, ineligible_reason: str, *, reason: str, incident: str) -> None:
    with transaction.atomic():
        record(
            actor,
            f"{ACTIONS[plan.kind]} refused",
            Outcome.REFUSED,
            plan.service.label,
            f"{actor.name} was refused: {plan.title}, because: {ineligible_reason}.",
            reason=reason,
            incident=incident,
        )


def settle_by_hand(actor: Actor, change: Change, *, applied: bool) -> None:
    """Record what a person found at the provider, where the portal cannot tell what became of an order.

    Args:
        actor: who looked.
        change: the change, in needs_attention or overdue.
        applied: True makes the portal check the public addresses and end accordingly. False ends the change
            as failed; sending again takes a new operation with a new plan.

    Raises:
        OperationRefused: the change waits for no person, or another one is active on the service.
    """
    now = clock.now()
    waits_for_person = change.status == "needs_attention" or overdue_since(change, now) is not None
    to = "serving" if applied else "failed"
    message = f"{actor.name} looked at {change.service.get_provider_display()}: "
    message += "the order was applied." if applied else "the order was not applied."
    fields: dict[str, Any] = {
        "status_times": change.times_with(to, now),
        "message": message,
        "ended_at": None if applied else now,
        **RELEASED,
    }
    try:
        with transaction.atomic():
            if not (waits_for_person and change.move(to, guard={"status": change.status}, **fields)):
                raise OperationRefused(
                    "This operation is no longer waiting for a person. Nothing was changed."
                )
            if applied and change.operation.kind == OperationKind.ROLL_BACK:
                set_pin(change)
            notify_dispatchers()
            record(
                actor,
                "settled by hand",
                Outcome.DONE,
                change.service.label,
                f"{change.operation.plan['title']}: {message}",
                operation=change.operation_id,
                reason=change.operation.why,
            )
    except IntegrityError:
        raise OperationRefused(
            f"Another operation runs on {change.service.short}. Wait until it has ended; nothing was changed."
        ) from None


def can_cancel(change: Change) -> str:
    """What canceling would still stop, in a sentence; "" where it is too late."""
    if change.cancel_requested_at is not None:
        return ""
    if change.status in {"queued", "clearing", "pinning"}:
        return "Nothing has been sent to the provider yet, so cancel stops it completely."
    if change.status == "accepted" and change.service.provider == Service.ProviderChoice.RENDER:
        return "Render can still cancel the deployment until the new instances take over."
    return ""


def request_cancel(actor: Actor, change: Change) -> str:
    """Make the worker stop the change at its next step. Returns what that still stops, in a sentence.

    Raises:
        OperationRefused: it is too late; recorded in the audit log.
    """
    with transaction.atomic():
        change = Change.objects.select_for_update(of=("self",)).shown().get(pk=change.pk)
        still_stops = can_cancel(change)
        if still_stops:
            change.cancel_requested_at, change.cancel_requested_by = clock.now(), actor.name
            change.not_before = None
            change.save(update_fields=["cancel_requested_at", "cancel_requested_by", "not_before"])
            notify_dispatchers()
        message = f"{actor.name} asked to cancel: {change.operation.plan['title']}."
        record(
            actor,
            "cancel requested" if still_stops else "cancel refused",
            Outcome.ASKED if still_stops else Outcome.REFUSED,
            change.service.label,
            message,
            operation=change.operation_id,
        )
    if not still_stops:
        raise OperationRefused(_too_late(change))
    return still_stops


def _too_late(change: Change) -> str:
    if not change.active:
        return "The operation has ended already; there is nothing to cancel."
    if change.cancel_requested_at is not None:
        return f"{change.cancel_requested_by} has already asked to cancel."
    return f"{change.service.get_provider_display()} can no longer stop it: the operation goes on."
