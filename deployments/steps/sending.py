"""The one call that changes traffic, and how to find out what became of it."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from deployments.models import Change, Kind, Service
from deployments.pins import set_pin
from deployments.providers.base import (
    Accepted,
    AlreadyCurrent,
    Busy,
    Current,
    Finding,
    ProviderError,
    Refused,
    Ticket,
    Unreachable,
)
from deployments.steps.restoring import undo
from deployments.steps.run import Next, Run

SEND_WITHIN = 0.5  # seconds from writing the intent down to the first byte
RESEND_WITHIN = timedelta(minutes=5)
READ_BACK_FOR = timedelta(minutes=10)
LONGEST_CALL = timedelta(seconds=15)
REFUSED = "refused the second time"  # the evidence of it
NOTHING = "Nothing was put in front of users."


def new_ticket(run: Run, current: Current) -> dict[str, Any]:
    """What is about to be asked for, as it is stored: times as text.

    An order that is sent again keeps its first ticket, by which both can be recognised.
    """
    change, service = run.change, run.change.service
    if change.resends:
        return dict(change.ticket)
    target = change.to_deployment
    assert target is not None  # noqa: S101 - a change without a target never asks for traffic
    newest = run.provider.deployments(service.provider_id, limit=20).deployments
    rolls_back = change.operation.kind == Kind.ROLL_BACK or service.provider == Service.Provider.RENDER
    ticket = Ticket(
        kind="rollback" if rolls_back else "promote",
        service_id=service.provider_id,
        deployment_id=target.provider_id,
        asked_at=current.provider_time or timezone.now(),
        commit_sha=target.commit_sha,
        known=tuple(deployment.id for deployment in newest),
    )
    moved = current.alias_request.requested_at.isoformat() if current.alias_request else None
    told = {"asked_at": ticket.asked_at.isoformat(), "known": list(ticket.known), "last_move": moved}
    return {**asdict(ticket), **told}


def stored_ticket(change: Change) -> Ticket:
    """The ticket as the provider's client wants it, with the provider's reference once that is known."""
    stored = change.ticket
    return Ticket(
        kind=stored["kind"],
        service_id=stored["service_id"],
        deployment_id=stored["deployment_id"],
        asked_at=datetime.fromisoformat(stored["asked_at"]),
        ref=change.provider_ref,
        commit_sha=stored["commit_sha"],
        known=tuple(stored["known"]),
        last_move=datetime.fromisoformat(stored["last_move"]) if stored.get("last_move") else None,
    )


def commit_intent(run: Run, ticket: dict[str, Any]) -> float:
    """Write down that the provider is about to be asked, before it is.

    Returns the monotonic time until which the first byte may be written. A worker that was frozen meanwhile
    must not wake up and send: others may have looked the order up and gone on without it.
    """
    change, deadline = run.change, time.monotonic() + SEND_WITHIN
    pins_first = run.is_render and change.operation.kind == Kind.ROLL_BACK
    run.move(
        "sending",
        asked_at=timezone.now(),
        ticket=ticket,
        settings_before=change.settings_before,
        sentence=f"{run.provider_name} is being asked.",
        closing=(lambda: set_pin(change)) if pins_first else None,
    )
    return deadline


def send(run: Run, deadline: float) -> Next:
    """Ask the provider, once. Its answer decides; a missing answer decides nothing."""
    try:
        accepted = _ask(run, deadline)
    except (Busy, Unreachable) as error:
        return run.not_applied(error)
    except Refused as error:
        return _refused(run, error)
    except ProviderError as error:
        return _unclear(run, f"{error} Whether the order arrived", {"lost answer": str(error)}, error)
    said = f"{run.provider_name} accepted it{', behind another deployment' if accepted.queued else ''}."
    _accept(
        run, accepted.ref, said, provider_status=accepted.raw_status, provider_request_id=accepted.request_id
    )
    return 0.1


def _ask(run: Run, deadline: float) -> Accepted:
    ticket = stored_ticket(run.change)
    if ticket.kind == "promote":
        return run.provider.promote(ticket.service_id, ticket.deployment_id, deadline=deadline)
    why = run.change.operation.why
    return run.provider.roll_back(ticket.service_id, ticket.deployment_id, reason=why, deadline=deadline)


def _refused(run: Run, error: Refused) -> Next:
    """A no to the only order is the end of it. A second one may be refused because the first has arrived."""
    target = run.change.to_deployment
    assert target is not None  # noqa: S101
    if run.change.resends:
        return _unclear(run, f"{error} Whether the first order arrived late", {REFUSED: str(error)}, error)
    if not isinstance(error, AlreadyCurrent):
        return undo(run, "failed", f"{error} {NOTHING}", error)
    said = f"{run.provider_name} says that {target.short_sha} is current already."
    run.move("serving", sentence=said, provider_request_id=error.request_id, heard_at=timezone.now())
    return 0.0


def _accept(run: Run, ref: str, sentence: str, **fields: Any) -> None:
    change = run.change
    pins = change.operation.kind == Kind.ROLL_BACK
    closing = (lambda: set_pin(change)) if pins else None
    run.move(
        "accepted", provider_ref=ref, sentence=sentence, heard_at=timezone.now(), closing=closing, **fields
    )


def _unclear(run: Run, said: str, evidence: dict[str, str], error: ProviderError | None = None) -> Next:
    """Until when the order may surface is written down with it: whoever goes on has to wait as long."""
    change, now = run.change, timezone.now()
    ended = now if error else max(now, (change.asked_at or now) + LONGEST_CALL)
    settled_at = ended + timedelta(seconds=settings.SETTLE_SECONDS)
    run.move(
        "unclear",
        sentence=f"{said} is being read back; it is not sent again.",
        evidence={**change.evidence, **evidence},
        provider_request_id=error.request_id if error else "",
        not_before=settled_at,
    )
    return max((settled_at - timezone.now()).total_seconds(), 0.0)


def find_out(run: Run) -> Next:
    """A row found in `sending` belongs to a worker that died in the middle: it may have been applied.

    Frozen at its first byte, it may even have sent just now, so the settle time counts from now.
    """
    asked_at = run.change.asked_at or timezone.now()
    said = f"The worker that asked {run.provider_name} at {asked_at:%H:%M:%S} UTC did not come back."
    return _unclear(run, f"{said} Whether the order arrived", {"lost answer": said})


def read_back(run: Run) -> Next:
    """Look the order up in the provider's own record."""
    change = run.change
    answer = run.provider.read_back(stored_ticket(change))
    change.evidence = {**change.evidence, **answer.evidence}
    if answer.finding == Finding.APPLIED:
        _accept(run, answer.ref, answer.sentence, evidence=change.evidence)
        return 0.1
    if answer.finding == Finding.NOT_APPLIED and _may_send_again(change):
        return _send_again(run, answer.sentence)
    if answer.finding == Finding.NOT_APPLIED:
        refused = change.evidence.get(REFUSED, "")
        return undo(run, "failed", f"{refused} {answer.sentence} {NOTHING}".strip())
    if timezone.now() - (change.asked_at or timezone.now()) > READ_BACK_FOR:
        return run.end(
            "needs_attention", f"{answer.sentence} The portal cannot tell whether the order was applied."
        )
    run.note(sentence=answer.sentence, evidence=change.evidence, heard_at=timezone.now())
    return 5.0


def _may_send_again(change: Change) -> bool:
    """Once, and only where the provider shows that nothing arrived and nobody else moved anything since."""
    young = timezone.now() - change.operation.requested_at < RESEND_WITHIN
    return change.resends == 0 and young and change.cancel_asked_at is None


def _send_again(run: Run, sentence: str) -> Next:
    run.move(
        "queued",
        resends=run.change.resends + 1,
        evidence=run.change.evidence,
        sentence=f"{sentence} The order did not arrive; it is sent once more.",
    )
    return 0.0
