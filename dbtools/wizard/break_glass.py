"""Step 7 in an emergency: somebody approves alone, and everybody reads why until another has looked."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from dbtools.models import DatabaseRollback
from dbtools.wizard import rights
from dbtools.wizard.approval import give, refuse_if_changed
from dbtools.wizard.transitions import record_step, refuse
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor
from rollback_portal.jobs import clock
from rollback_portal.text import age, clean_line, says_something

SWITCHED_OFF = "Break-glass is switched off here (BREAK_GLASS): a second database admin has to approve."
MAY_APPROVE = "You may approve it yourself: tick what it destroys and approve it above."
SAY_WHY = "Say why nobody else can approve it, in a sentence: everybody will read it."


def why_not(user_id: int | None, rollback: DatabaseRollback) -> str:
    """Why this person may not approve it alone, as a sentence; "" if they may."""
    if not settings.BREAK_GLASS:
        return SWITCHED_OFF
    if user_id not in (rollback.requested_by_id, *rollback.authors):
        return MAY_APPROVE
    other = rights.seen_approver(rollback, besides=user_id)
    if other is None:
        return ""
    name = clean_line(other.display, 80)
    return f"{name} was at the portal {age(other.last_seen_at)} ago and may approve it: ask them."


def break_glass(actor: Actor, rollback: DatabaseRollback, *, seen: str, reason: str) -> None:
    """Approve it alone. Every page shows the reason until a second admin has followed it up.

    Raises:
        StepRefused: it is not offered, no real reason was given, or it has changed.
    """
    reason = reason.strip()
    not_offered = why_not(actor.user_id, rollback)
    if not_offered:
        refuse(actor, rollback, "break-glass refused", not_offered)
    if not says_something(reason):
        refuse(actor, rollback, "break-glass refused", SAY_WHY)
    refuse_if_changed(actor, rollback, seen)
    give(
        actor, rollback, f"BREAK-GLASS: {actor.name} approved it alone, for 15 minutes: {reason}",
        action="break-glass", broke_glass=reason, acknowledged_losses=rollback.loss_numbers,
        followed_up_at=None, followed_up_by="",
    )  # fmt: skip


def follow_up(actor: Actor, rollback: DatabaseRollback) -> None:
    """A second admin confirms that they have looked at a break-glass approval.

    Raises:
        StepRefused: it was their own, or there is nothing to follow up.
    """
    if not rollback.follow_up_open:
        refuse(actor, rollback, "follow-up refused", "There is nothing to follow up.")
    if actor.user_id is None or actor.user_id == rollback.approved_by_id:
        refuse(actor, rollback, "follow-up refused", "Somebody else has to look at it.")
    with transaction.atomic():
        DatabaseRollback.objects.filter(pk=rollback.pk, followed_up_at=None).update(
            followed_up_at=clock.now(), followed_up_by=actor.name
        )
        message = f"{actor.name} has looked at the break-glass run."
        record_step(actor, rollback, "followed up", Outcome.DONE, message)
