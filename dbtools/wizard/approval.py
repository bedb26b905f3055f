"""Steps 7 and 8 for people: a second person approves exactly this, and somebody types its name to run it.

An approval is bound to everything it was given for: the SQL, the backup, the schema, the history rows and the
rehearsal's report. It lasts 15 minutes and is void as soon as one of them is another one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from dbtools.models import DatabaseRollback
from dbtools.wizard import code_side
from dbtools.wizard.transitions import record_step, refuse, step
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor
from rollback_portal.jobs import mutual_exclusion


def bound_to(rollback: DatabaseRollback) -> str:
    """The digest of all that an approval is for, computed from the row as it is now."""
    sql = hashlib.sha256(rollback.sql.encode(errors="surrogatepass")).hexdigest()
    parts: dict[str, Any] = {
        "database": rollback.database.name,
        "sql": sql,
        "backup": rollback.backup.sha256 if rollback.backup else "",
        "fingerprint": rollback.fingerprint,
        "history": rollback.history,
        "chosen": rollback.selected,
        "rehearsal": rollback.rehearsal.get("sha256", ""),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def ask(actor: Actor, rollback: DatabaseRollback) -> None:
    """Ask a second person.

    Raises:
        NotPossible: the rehearsal does not allow it.
    """
    _rehearsed(actor, rollback)
    said = f"{actor.name} asks a second database admin to approve."
    step(
        actor, rollback, "awaiting_approval", said, action="approval asked for", outcome=Outcome.ASKED,
        approval_digest=bound_to(rollback),
    )  # fmt: skip


def _rehearsed(actor: Actor, rollback: DatabaseRollback) -> None:
    if not rollback.rehearsal.get("passed"):
        why = rollback.rehearsal.get("message", "it was not rehearsed.")
        refuse(actor, rollback, "approval refused", f"The rehearsal does not allow it: {why}")


def approve(
    actor: Actor, rollback: DatabaseRollback, *, seen: str, acknowledged_losses: Iterable[int]
) -> None:
    """A second person says yes to what they saw.

    Args:
        seen: the digest that their page was drawn with.
        acknowledged_losses: the numbers of the statements whose loss they have ticked.

    Raises:
        NotPossible: they asked for it or wrote a part of it, did not tick each loss, or it changed meanwhile.
    """
    if actor.user is None or actor.user.pk == rollback.requested_by_id or actor.user.pk in rollback.authors:
        refuse(
            actor, rollback, "approval refused",
            "Nobody approves what they asked for or wrote themselves: another database admin has to.",
        )  # fmt: skip
    _unchanged(actor, rollback, seen)
    given = sorted(set(acknowledged_losses))
    missing = [number for number in losing(rollback) if number not in given]
    if missing:
        refuse(
            actor,
            rollback,
            "approval refused",
            f"The loss by statement {missing[0]} was not ticked.",
        )
    now = timezone.now()
    said = f"{actor.name} approved it, for 15 minutes."
    step(
        actor, rollback, "approved", said, action="approved",
        approved_by=actor.user, approved_by_name=actor.name, approved_at=now, acknowledged_losses=given,
    )  # fmt: skip


def losing(rollback: DatabaseRollback) -> list[int]:
    """The numbers of the statements that destroy something."""
    statements = rollback.sql_analysis.get("statements", [])
    return [each["number"] for each in statements if any(h["tone"] == "loses" for h in each["hazards"])]


def break_glass(actor: Actor, rollback: DatabaseRollback, *, seen: str, reason: str) -> None:
    """There is nobody else. The reason is shown to everybody until a second admin has followed it up.

    Raises:
        NotPossible: no reason was given, or it changed meanwhile.
    """
    if len(reason.strip()) < 10:
        refuse(
            actor, rollback, "break-glass refused",
            "Say why nobody else can approve it, in a sentence: everybody will read it.",
        )  # fmt: skip
    _unchanged(actor, rollback, seen)
    said = f"BREAK-GLASS: {actor.name} approved it alone, for 15 minutes: {reason.strip()}"
    step(
        actor, rollback, "approved", said, action="break-glass",
        approved_by=actor.user, approved_by_name=actor.name, approved_at=timezone.now(),
        broke_glass=reason.strip(), acknowledged_losses=losing(rollback), followed_up_at=None, followed_up_by="",
    )  # fmt: skip


def decline(actor: Actor, rollback: DatabaseRollback, *, reason: str) -> None:
    """The second person says no, or the first one takes the question back."""
    said = f"{actor.name} did not approve it: {reason.strip() or 'no reason given'}"
    step(actor, rollback, "rehearsed", said, action="approval declined", approval_digest="")


def follow_up(actor: Actor, rollback: DatabaseRollback) -> None:
    """A second admin has looked at what somebody did alone.

    Raises:
        NotPossible: it was they themselves, or there is nothing to follow up.
    """
    if not rollback.follow_up_open:
        refuse(actor, rollback, "follow-up refused", "There is nothing to follow up.")
    if actor.user is None or actor.user.pk == rollback.approved_by_id:
        refuse(actor, rollback, "follow-up refused", "Somebody else has to look at it.")
    now = timezone.now()
    with transaction.atomic():
        DatabaseRollback.objects.filter(pk=rollback.pk, followed_up_at=None).update(
            followed_up_at=now, followed_up_by=actor.name
        )
        record_step(
            actor, rollback, "followed up", Outcome.DONE, f"{actor.name} has looked at the break-glass run."
        )


def run(actor: Actor, rollback: DatabaseRollback, *, typed: str) -> None:
    """Start the run.

    Args:
        typed: has to be `<database>/<migration>`, letter by letter.

    Raises:
        NotPossible: it was mistyped, the approval is gone, or code is being moved on the same environment.
    """
    if not hmac.compare_digest(typed.strip().encode(), rollback.phrase.encode()):
        refuse(actor, rollback, "run refused", f"What was typed is not {rollback.phrase}.")
    why = why_not_run(rollback)
    if why:
        refuse(actor, rollback, "run refused", why)
    with mutual_exclusion.exclusive_start():
        moving = code_side.code_under_way(rollback.database.services)
        if not moving:
            step(
                actor, rollback, "running", f"{actor.name} started the run.", action="run started",
                outcome=Outcome.ASKED, run_log={}, identity={}, progress={}, cancel_requested_at=None,
                cancel_requested_by="",
            )  # fmt: skip
    if moving:
        refuse(actor, rollback, "run refused", f"{moving} Wait until it has ended.")


def why_not_run(rollback: DatabaseRollback) -> str:
    """What makes the approval void, in words; "" where it stands. Asked here and again by the worker."""
    if rollback.approved_at is None or rollback.approved_by is None:
        return "It is not approved."
    expires = rollback.expires_at
    if expires is None or timezone.now() > expires:
        return "The approval was for 15 minutes, and they are over."
    if not rollback.approved_by.is_active or not rollback.approved_by.has_perm("dbtools.roll_back"):
        return f"{rollback.approved_by_name} is no database admin any more: the approval is void."
    own = rollback.approved_by_id == rollback.requested_by_id or rollback.approved_by_id in rollback.authors
    if own and not rollback.broke_glass:
        return "It was approved by the person who asked for it."
    if not hmac.compare_digest(bound_to(rollback), rollback.approval_digest):
        return "What was approved is not what stands here now: the approval is void."
    return ""


def _unchanged(actor: Actor, rollback: DatabaseRollback, seen: str) -> None:
    if (
        not hmac.compare_digest(seen, rollback.approval_digest)
        or bound_to(rollback) != rollback.approval_digest
    ):
        refuse(
            actor, rollback, "approval refused",
            "It changed since your page was drawn. Look at it again before you approve.",
        )  # fmt: skip
