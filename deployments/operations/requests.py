"""What people ask for: start an operation, stop it. The work itself is in `changes.py`.

These verbs know no queue and no request. Each one is a single transaction with its audit entry.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from deployments.models import Change, Kind, Operation, Pin, Service
from deployments.operations.plan import Plan
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor, record
from rollback_portal.jobs.notify import notify_dispatchers

ACTIONS: dict[str, str] = {
    Kind.ROLL_BACK: "rollback",
    Kind.PROMOTE: "promotion",
    Kind.LEAVE: "leaving the rollback",
}


class NotPossible(Exception):
    """The verb cannot be done; `str()` says why and what is still true. Nothing was started."""


class UnderWay(Exception):
    """Another operation already runs on that service."""

    def __init__(self, change: Change) -> None:
        super().__init__(f"{change.operation.requested_by_name} was faster: an operation is under way.")
        self.change = change


def active_change(service: Service) -> Change | None:
    return Change.objects.shown().active().filter(service=service).first()


def standing_pin(service: Service) -> Pin | None:
    return (
        Pin.objects.select_related("deployment", "rolled_back_from")
        .filter(service=service, released_at=None)
        .first()
    )


def request(actor: Actor, plan: Plan, *, key: UUID, reason: str, words: str, incident: str) -> Operation:
    """Start what the plan says, at most once.

    Args:
        actor: who asks; the policy has let them through already.
        plan: drawn from the rows as they are now.
        key: the form's own key: the same form sent twice is the same operation.
        reason: one of `Reason`; may be empty only for leaving a rollback.
        words: the reason in the person's own words.
        incident: a reference, may be empty.

    Raises:
        NotPossible: the plan says why not; recorded as refused.
        UnderWay: somebody's operation already runs on that service; recorded as refused.
    """
    earlier = Operation.objects.filter(idempotency_key=key).first()
    if earlier is not None:
        return earlier
    running = active_change(plan.service)
    if running is None and plan.why_not:
        _record_refusal(actor, plan, plan.why_not, reason=words, incident=incident)
        raise NotPossible(f"{plan.title}: {plan.why_not}. Nothing was started.")
    try:
        with transaction.atomic():
            return _create(actor, plan, key=key, reason=reason, words=words, incident=incident)
    except IntegrityError:
        return _second(actor, plan, key=key, words=words, incident=incident)


def _create(actor: Actor, plan: Plan, *, key: UUID, reason: str, words: str, incident: str) -> Operation:
    operation = Operation.objects.create(
        idempotency_key=key,
        kind=plan.kind,
        reason=reason,
        reason_detail=words,
        incident=incident,
        requested_by=actor.user,
        requested_by_name=actor.name,
        requested_by_role=actor.role,
        plan=plan.stored(),
    )
    Change.objects.create(
        operation=operation,
        service=plan.service,
        from_deployment=plan.live,
        to_deployment=plan.target,
        cancel_builds_first=plan.cancel_builds_first,
        status_times={"queued": timezone.now().isoformat()},
    )
    notify_dispatchers()
    record(
        actor,
        f"{ACTIONS[plan.kind]} asked for",
        Outcome.ASKED,
        plan.service.label,
        f"{actor.name} asked: {plan.title}.",
        operation=operation.pk,
        reason=operation.why,
        incident=incident,
        before={"live": str(plan.live) if plan.live else None, "automatic": plan.service.auto_deploy},
        after={"live": str(plan.target) if plan.target else None},
    )
    return operation


def _second(actor: Actor, plan: Plan, *, key: UUID, words: str, incident: str) -> Operation:
    """The unique constraints let one through; this is the other one."""
    earlier = Operation.objects.filter(idempotency_key=key).first()
    if earlier is not None:
        return earlier
    running = active_change(plan.service)
    if running is None:
        raise NotPossible(
            f"{plan.title}: another operation has just ended. Look at the plan again; nothing was started."
        )
    message = f"{running.operation.requested_by_name} has an operation under way on {plan.service.short}"
    _record_refusal(actor, plan, message, reason=words, incident=incident)
    raise UnderWay(running)


def _record_refusal(actor: Actor, plan: Plan, why_not: str, *, reason: str, incident: str) -> None:
    with transaction.atomic():
        record(
            actor,
            f"{ACTIONS[plan.kind]} refused",
            Outcome.REFUSED,
            plan.service.label,
            f"{actor.name} was refused: {plan.title}, because: {why_not}.",
            reason=reason,
            incident=incident,
        )


def settle(actor: Actor, change: Change, *, applied: bool) -> None:
    """A person has looked at the provider and says what became of an order, where the portal cannot tell.

    Args:
        applied: True has the portal check from outside who serves, and end as that check says; False ends it
            as failed. Sending again is a new operation, with a plan drawn anew.

    Raises:
        NotPossible: it does not need a person (any more), or another operation runs on the service.
    """
    now = timezone.now()
    to = "serving" if applied else "failed"
    said = f"{actor.name} looked at {change.service.get_provider_display()}: "
    said += "the order was applied." if applied else "the order was not applied."
    fields: dict[str, Any] = {"status_times": {**change.status_times, to: now.isoformat()}, "message": said}
    fields |= {"ended_at": None, "not_before": None, "published_at": None} if applied else {"ended_at": now}
    try:
        with transaction.atomic():
            if change.status != "needs_attention" or not change.move(to, **fields):
                raise NotPossible("This operation does not wait for a person any more. Nothing was changed.")
            notify_dispatchers()
            record(
                actor,
                "settled by hand",
                Outcome.DONE,
                change.service.label,
                f"{change.operation.plan['title']}: {said}",
                operation=change.operation_id,
                reason=change.operation.why,
            )
    except IntegrityError:
        raise NotPossible(
            f"Another operation runs on {change.service.short}. Wait until it has ended; nothing was changed."
        ) from None


def can_cancel(change: Change) -> str:
    """What cancel can still stop, in words; "" where it can stop nothing any more."""
    if change.cancel_requested_at is not None:
        return ""
    if change.status in {"queued", "clearing", "pinning"}:
        return "Nothing has been asked of the provider yet: cancel stops it completely."
    if change.status == "accepted" and change.service.provider == Service.Provider.RENDER:
        return "Render can still cancel the deployment until the new instances take over."
    return ""


def ask_to_cancel(actor: Actor, change: Change) -> str:
    """Ask the worker to stop the change at its next step.

    Raises:
        NotPossible: it has gone too far; recorded as refused.
    """
    with transaction.atomic():
        change = Change.objects.select_for_update(of=("self",)).shown().get(pk=change.pk)
        still = can_cancel(change)
        if still:
            change.cancel_requested_at, change.cancel_requested_by = timezone.now(), actor.name
            change.not_before = None
            change.save(update_fields=["cancel_requested_at", "cancel_requested_by", "not_before"])
            notify_dispatchers()
        message = f"{actor.name} asked to cancel: {change.operation.plan['title']}."
        record(
            actor,
            "cancel asked for" if still else "cancel refused",
            Outcome.ASKED if still else Outcome.REFUSED,
            change.service.label,
            message,
            operation=change.operation_id,
        )
    if not still:
        raise NotPossible(_too_late(change))
    return still


def _too_late(change: Change) -> str:
    if not change.active:
        return "The operation has ended already; there is nothing to cancel."
    if change.cancel_requested_at is not None:
        return f"{change.cancel_requested_by} has asked to cancel already."
    return f"{change.service.get_provider_display()} cannot be stopped any more: the operation goes on."
