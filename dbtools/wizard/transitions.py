"""How a person moves a database rollback: one transaction with its audit entry, or a refusal."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, NoReturn

from django.db import transaction

from dbtools.models import DatabaseRollback
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor, record
from rollback_portal.jobs import clock
from rollback_portal.jobs.lease import RELEASED
from rollback_portal.jobs.notify import notify_dispatchers


class StepRefused(Exception):
    """The step cannot be taken and nothing was changed; `str()` says why, as a sentence for the page."""


def step(
    actor: Actor,
    rollback: DatabaseRollback,
    to: str,
    message: str,
    *,
    action: str,
    outcome: str = Outcome.STEP,
    guard: Mapping[str, Any] | None = None,
    **fields: Any,
) -> None:
    """Move the row, write the audit entry, and notify the dispatchers if a worker is next.

    Args:
        guard: values that the row must still have.

    Raises:
        StepRefused: `to` cannot be reached from the row's status, or the row was changed meanwhile.
    """
    times = rollback.times_with(to, clock.now())
    written = {"message": message, "status_times": times, "failed_in": "", **RELEASED, **fields}
    with transaction.atomic():
        if not rollback.move(to, guard=guard, **written):
            rollback.refresh_from_db()
            raise StepRefused(
                f"This rollback is now at the step “{rollback.status.replace('_', ' ')}”, "
                "and that action is not possible from there. Nothing was changed."
            )
        record_step(actor, rollback, action, outcome, message)
        if rollback.waits_for_worker:
            notify_dispatchers()


def refuse(actor: Actor, rollback: DatabaseRollback, action: str, reason: str) -> NoReturn:
    """Write the refusal to the audit log and raise it.

    Raises:
        StepRefused: always.
    """
    with transaction.atomic():
        record_step(actor, rollback, action, Outcome.REFUSED, f"{actor.name} was refused: {reason}")
    raise StepRefused(f"{reason} Nothing was changed.")


def refuse_if_mistyped(actor: Actor, rollback: DatabaseRollback, action: str, typed: str) -> None:
    """Refuse an act for which exactly `<database>/<migration>` has to be typed.

    Raises:
        StepRefused: something else was typed.
    """
    if not hmac.compare_digest(typed.strip().encode(), rollback.phrase.encode()):
        refuse(actor, rollback, action, f"What was typed is not {rollback.phrase}.")


def record_step(
    actor: Actor,
    rollback: DatabaseRollback,
    action: str,
    outcome: str,
    message: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write the audit entry of one step."""
    record(
        actor,
        f"database rollback: {action}",
        outcome,
        f"{rollback.database.name} · database rollback {rollback.pk}",
        f"{rollback.title}: {message}" if rollback.selected else message,
        operation=rollback.key,
        reason=rollback.justification.get("reason", ""),
        incident=rollback.incident,
        before=before,
        after={"sql": rollback.sql_sha256, "selected": rollback.selected, **(after or {})},
    )
