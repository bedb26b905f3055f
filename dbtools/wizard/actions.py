"""What people ask of the wizard, step by step. The work itself is in `work/`; the approval in `approvals.py`.

These verbs know no queue and no request. Each one is a single transaction with its audit entry, and each is
refused with a sentence where the row is not at the step that it belongs to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from dbtools.models import Database, DatabaseRollback
from dbtools.prisma.compare import Entry, NotChoosable, chosen
from dbtools.wizard import code_side
from dbtools.wizard.transitions import NotPossible, record_step, refuse, step
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor

LONGEST_SQL = 1_000_000  # bytes


def start(actor: Actor, database: Database, *, incident: str = "") -> DatabaseRollback:
    """Begin at the first step.

    Raises:
        NotPossible: one is under way on this database already, or it is not configured any more.
    """
    if actor.user is None:
        raise NotPossible("Only a person can ask for it. Nothing was started.")
    if database.missing_since is not None:
        raise NotPossible(f"{database} is not configured any more. Nothing was started.")
    try:
        with transaction.atomic():
            rollback = DatabaseRollback.objects.create(
                database=database,
                requested_by=actor.user,
                requested_by_name=actor.name,
                incident=incident,
                status_times={"deciding": timezone.now().isoformat()},
            )
            record_step(
                actor, rollback, "started", Outcome.ASKED, f"{actor.name} opened the wizard for {database}."
            )
            return rollback
    except IntegrityError:
        other = DatabaseRollback.objects.active().get(database=database)
        raise NotPossible(
            f"{other.requested_by_name} has database rollback {other.pk} under way on {database}. "
            "Nothing was started."
        ) from None


def decide(actor: Actor, rollback: DatabaseRollback, *, reason: str, source: Mapping[str, str]) -> None:
    """Step 1: it is needed, for this reason; the code that is live at this moment is recorded with it.

    Args:
        source: where the folder is read from: {"kind": "live" | "left" | "commit" | "folder", "commit": …}.
    """
    live = code_side.live_code(rollback.database.services)
    need = {"reason": reason, "by": actor.name, "live": live}
    said = f"{actor.name} decided that it is needed: {reason}"
    step(actor, rollback, "reading", said, action="need recorded", justification=need, source=dict(source))


def read_again(actor: Actor, rollback: DatabaseRollback, source: Mapping[str, Any]) -> None:
    """Step 2: read folder and history once more, perhaps from another commit or from an upload."""
    where = source.get("commit") or source.get("kind")
    said = f"{actor.name} has the migrations read again ({where})."
    step(actor, rollback, "reading", said, action="migrations read", source=dict(source), selected=[])


def choose(actor: Actor, rollback: DatabaseRollback, name: str) -> None:
    """Step 2: this migration and every later one go.

    Raises:
        NotPossible: only the newest ones can go, and the reason names what is in the way.
    """
    entries = [Entry(**each) for each in rollback.migrations]
    try:
        names = [entry.name for entry in chosen(entries, name)]
    except NotChoosable as error:
        refuse(actor, rollback, "choice refused", str(error))
    said = f"{actor.name} chose {', '.join(names)}."
    step(actor, rollback, "drafting", said, action="migrations chosen", selected=names, draft={})


def write(actor: Actor, rollback: DatabaseRollback, sql: str) -> None:
    """Step 3: this is the SQL. Whatever was approved or rehearsed before is void.

    Raises:
        NotPossible: it is empty or too long, or the row is past the point where it can be written.
    """
    raw = sql.encode(errors="surrogatepass")
    if not sql.strip():
        refuse(
            actor,
            rollback,
            "SQL refused",
            "There is no SQL. Write `SELECT 1;` where nothing is to be undone.",
        )
    if len(raw) > LONGEST_SQL:
        refuse(actor, rollback, "SQL refused", f"The SQL is longer than {LONGEST_SQL // 1_000_000} MB.")
    if rollback.status != "writing":
        back_to_writing(actor, rollback)
    digest = hashlib.sha256(raw).hexdigest()
    authors = sorted({*rollback.authors, actor.user.pk if actor.user else 0})
    said = f"{actor.name} wrote the SQL ({len(raw):,} bytes, SHA-256 {digest[:12]})."
    step(
        actor, rollback, "checking", said, action="SQL written",
        sql=sql, sql_sha256=digest, authors=authors, sql_analysis={},
    )  # fmt: skip


def back_to_writing(actor: Actor, rollback: DatabaseRollback) -> None:
    """Change the SQL once more: preflight, rehearsal and approval start over."""
    said = f"{actor.name} changes the SQL: what was rehearsed and approved is void."
    step(actor, rollback, "writing", said, action="approval void", **VOID)


VOID: dict[str, Any] = {
    "approval_digest": "", "approved_by": None, "approved_by_name": "", "approved_at": None, "acknowledged_losses": [],
    "rehearsal": {}, "preflight": [], "warnings_accepted_because": "", "progress": {},
}  # fmt: skip


def check_again(actor: Actor, rollback: DatabaseRollback) -> None:
    """Step 4: ask the guards once more."""
    said = f"{actor.name} has the preflight asked again."
    step(actor, rollback, "preflight", said, action="preflight asked again", **VOID)


def back_up(actor: Actor, rollback: DatabaseRollback, *, accepted: str = "") -> None:
    """Step 5: take the backup, then rehearse on it.

    Args:
        accepted: why what the guards warn of is accepted; needed where one warns.

    Raises:
        NotPossible: a guard says stop, or one warns and nobody said why that is accepted.
    """
    tones = [guard["tone"] for guard in rollback.preflight]
    if "stop" in tones:
        stop = next(guard for guard in rollback.preflight if guard["tone"] == "stop")
        refuse(actor, rollback, "backup refused", f"A guard stands in the way: {stop['message']}")
    if "warn" in tones and not accepted.strip():
        refuse(actor, rollback, "backup refused", "A guard warns. Say why that is acceptable.")
    said = f"{actor.name} has the backup taken and the rehearsal run."
    said += f" Warnings accepted: {accepted.strip()}" if accepted.strip() else ""
    step(
        actor, rollback, "backing_up", said, action="backup asked for",
        warnings_accepted_because=accepted.strip(), backup=None, rehearsal={}, progress={}, cancel_requested_at=None,
        cancel_requested_by="",
    )  # fmt: skip


def abandon(actor: Actor, rollback: DatabaseRollback) -> None:
    """Give it up. What is under way is stopped; nothing stays but the record and the backup."""
    said = f"{actor.name} abandoned it. The database was not changed."
    now = timezone.now()
    step(actor, rollback, "abandoned", said, action="abandoned", outcome=Outcome.DONE, ended_at=now)


def ask_to_cancel(actor: Actor, rollback: DatabaseRollback) -> None:
    """Step 8: stop the run, if it has not reached its commit.

    Raises:
        NotPossible: it has.
    """
    if rollback.status != "running":
        refuse(actor, rollback, "cancel refused", "The run cannot be stopped any more.")
    with transaction.atomic():
        now = timezone.now()
        asked = DatabaseRollback.objects.filter(pk=rollback.pk, status="running", cancel_requested_at=None)
        if not asked.update(cancel_requested_at=now, cancel_requested_by=actor.name):
            raise NotPossible("The run has ended or reached its commit already, or cancel was asked for.")
        record_step(
            actor, rollback, "cancel asked for", Outcome.ASKED, f"{actor.name} asked to stop the run."
        )
