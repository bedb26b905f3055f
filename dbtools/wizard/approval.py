"""Steps 7 and 8: a second person approves exactly this run, and somebody types its name to start it.

An approval covers what `binding` lists: the SQL and its parse, the backup, the schema, the history rows, the
database itself, the rehearsal's report. It lasts 15 minutes and is void as soon as one of them changes.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Any

from dbtools.models import DatabaseRollback
from dbtools.wizard import code_side, rights
from dbtools.wizard.binding import digest_of
from dbtools.wizard.transitions import refuse, refuse_if_mistyped, step
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor
from rollback_portal.jobs import clock, mutual_exclusion


def request_approval(actor: Actor, rollback: DatabaseRollback) -> None:
    """Ask a second person to approve it.

    Raises:
        StepRefused: the rehearsal was not passed.
    """
    if not rollback.rehearsal.get("passed"):
        reason = rollback.rehearsal.get("message", "it was not rehearsed.")
        refuse(actor, rollback, "approval refused", f"The rehearsal does not allow it: {reason}")
    times = rollback.times_with("awaiting_approval", clock.now())
    step(
        actor, rollback, "awaiting_approval", f"{actor.name} asks a second database admin to approve.",
        action="approval requested", outcome=Outcome.ASKED, status_times=times,
        approval_digest=digest_of(rollback, status_times=times),
    )  # fmt: skip


def approve(
    actor: Actor, rollback: DatabaseRollback, *, seen: str, acknowledged_losses: Iterable[int]
) -> None:
    """A second person approves what they saw.

    Args:
        seen: the digest that was on their page.
        acknowledged_losses: the numbers of the statements whose loss they have ticked.

    Raises:
        StepRefused: they requested it or wrote a part of the SQL, did not tick every loss, or it has changed.
    """
    if actor.user_id in (None, rollback.requested_by_id, *rollback.authors):
        refuse(
            actor, rollback, "approval refused",
            "Nobody may approve what they requested or wrote themselves: another database admin has to.",
        )  # fmt: skip
    refuse_if_changed(actor, rollback, seen)
    ticked = sorted(set(acknowledged_losses))
    missing = [number for number in rollback.loss_numbers if number not in ticked]
    if missing:
        refuse(actor, rollback, "approval refused", f"The loss by statement {missing[0]} was not ticked.")
    give(
        actor, rollback, f"{actor.name} approved it, for 15 minutes.", action="approved",
        acknowledged_losses=ticked, broke_glass="",
    )  # fmt: skip


def refuse_if_changed(actor: Actor, rollback: DatabaseRollback, seen: str) -> None:
    """The person's page, the request for approval and the row have to be about the same run."""
    requested = rollback.approval_digest
    if not hmac.compare_digest(seen, requested) or digest_of(rollback) != requested:
        refuse(
            actor, rollback, "approval refused",
            "It has changed since your page was loaded. Look at it again before you approve.",
        )  # fmt: skip


def give(actor: Actor, rollback: DatabaseRollback, message: str, *, action: str, **fields: Any) -> None:
    """Store the approval, with a digest that covers who gave it and when as well."""
    fields |= {"approved_by_id": actor.user_id, "approved_at": clock.now()}
    step(
        actor, rollback, "approved", message, action=action,
        guard={"approval_digest": rollback.approval_digest},
        approval_digest=digest_of(rollback, **fields), approved_by_name=actor.name, **fields,
    )  # fmt: skip


def decline(actor: Actor, rollback: DatabaseRollback, *, reason: str) -> None:
    """The second person declines, or the first one withdraws the request."""
    message = f"{actor.name} did not approve it: {reason.strip() or 'no reason given'}"
    step(actor, rollback, "rehearsed", message, action="approval declined", approval_digest="")


def start_run(actor: Actor, rollback: DatabaseRollback, *, typed: str) -> None:
    """Start the run.

    Args:
        typed: has to be exactly `<database>/<migration>`.

    Raises:
        StepRefused: it was mistyped, the approval is void, or code is being changed in the same environment.
    """
    refuse_if_mistyped(actor, rollback, "run refused", typed)
    reason = void_reason(rollback)
    if reason:
        refuse(actor, rollback, "run refused", reason)
    with mutual_exclusion.exclusive_start():
        code_operation = code_side.code_under_way(rollback.database.services)
        if not code_operation:
            step(
                actor, rollback, "running", f"{actor.name} started the run.", action="run started",
                outcome=Outcome.ASKED, guard={"approval_digest": rollback.approval_digest},
                started_by_id=actor.user_id, run_log={}, identity={}, progress={}, cancel_requested_at=None,
                cancel_requested_by="",
            )  # fmt: skip
    if code_operation:
        refuse(actor, rollback, "run refused", f"{code_operation} Wait until it has ended.")


def void_reason(rollback: DatabaseRollback) -> str:
    """Why the approval is void, as a sentence; "" while it is valid. The worker asks this again."""
    if rollback.approved_at is None or rollback.approved_by is None:
        return "It is not approved."
    if reason := rights.expired(rollback) or rights.lapsed(rollback):
        return reason
    if "change" not in rollback.rehearsal:
        return "It was rehearsed by an earlier version of the portal: rehearse it again."
    own = rollback.approved_by_id == rollback.requested_by_id or rollback.approved_by_id in rollback.authors
    if own and not rollback.broke_glass:
        return "It was approved by the person who requested it."
    if not hmac.compare_digest(digest_of(rollback), rollback.approval_digest):
        return "It has changed since it was approved: the approval is void."
    return ""
