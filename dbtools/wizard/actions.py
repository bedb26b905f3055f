"""What a person can do in steps 1 to 5, and to stop or abandon a rollback. Approvals are in `approval`.

Each action is one transaction with its audit entry, and is refused with a sentence where the rollback is not
at its step. The work itself is done by `wizard.worker`.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import IntegrityError, transaction

from dbtools.models import Database, DatabaseRollback
from dbtools.models.documents import Justification, MigrationSource, StoredMigration
from dbtools.prisma.compare import MigrationEntry, NotSelectable, select
from dbtools.wizard import code_side
from dbtools.wizard.transitions import StepRefused, record_step, refuse, step
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor
from rollback_portal.jobs import clock
from rollback_portal.text import says_something

LONGEST_SQL = 1_000_000  # bytes
# What is discarded when the SQL or the preflight starts over.
DISCARDED: dict[str, Any] = {
    "approval_digest": "", "approved_by_id": None, "approved_by_name": "", "approved_at": None,
    "acknowledged_losses": [], "rehearsal": {}, "preflight": [], "warnings_accepted_because": "",
    "progress": {},
}  # fmt: skip

# A status whose job an unforeseen error has ended -> the statuses that lead there once more.
STEPS_AGAIN = {
    "reading": ("reading",), "drafting": ("choosing", "drafting"), "checking": ("checking",),
    "preflight": ("preflight",), "backing_up": ("backing_up",), "rehearsing": ("backing_up",),
}  # fmt: skip


def start(actor: Actor, database: Database, *, incident: str = "") -> DatabaseRollback:
    """Open the wizard for a database.

    Raises:
        StepRefused: a rollback of this database is active already, or it is not configured any more.
    """
    if actor.user_id is None:
        raise StepRefused("Only a person can request it. Nothing was started.")
    if database.missing_since is not None:
        raise StepRefused(f"{database} is not configured any more. Nothing was started.")
    try:
        with transaction.atomic():
            rollback = DatabaseRollback.objects.create(
                database=database,
                requested_by_id=actor.user_id,
                requested_by_name=actor.name,
                incident=incident,
                status_times={"deciding": clock.now().isoformat()},
            )
            message = f"{actor.name} opened the wizard for {database}."
            record_step(actor, rollback, "started", Outcome.ASKED, message)
            return rollback
    except IntegrityError:
        other = DatabaseRollback.objects.active().get(database=database)
        raise StepRefused(
            f"{other.requested_by_name} has database rollback {other.pk} under way on {database}. "
            "Nothing was started."
        ) from None


def justify(actor: Actor, rollback: DatabaseRollback, *, reason: str, source: MigrationSource) -> None:
    """Step 1: record why it is needed, together with the code that is live now."""
    live = code_side.live_code(rollback.database.services)
    justification: Justification = {"reason": reason, "by": actor.name, "live": live}
    step(
        actor, rollback, "reading", f"{actor.name} decided that it is needed: {reason}",
        action="need recorded", justification=justification, source=source,
    )  # fmt: skip


def reread_migrations(actor: Actor, rollback: DatabaseRollback, *, source: MigrationSource) -> None:
    """Step 2: read folder and history again, possibly from another commit or an upload."""
    described = source.get("commit") or source.get("kind")
    step(
        actor, rollback, "reading", f"{actor.name} reads the migrations again ({described}).",
        action="migrations read", source=source, selected=[],
    )  # fmt: skip


def select_migrations(actor: Actor, rollback: DatabaseRollback, *, name: str) -> None:
    """Step 2: select this migration and every later one.

    Raises:
        StepRefused: it cannot be rolled back; the sentence names what is in the way.
    """
    entries = [_entry(migration) for migration in rollback.migrations]
    try:
        names = [entry.name for entry in select(entries, name)]
    except NotSelectable as error:
        refuse(actor, rollback, "choice refused", str(error))
    step(
        actor, rollback, "drafting", f"{actor.name} chose {', '.join(names)}.",
        action="migrations chosen", selected=names, draft={},
    )  # fmt: skip


def _entry(stored: StoredMigration) -> MigrationEntry:
    return MigrationEntry(
        name=stored["name"],
        state=stored["state"],
        row=stored["row"],
        at=stored["at"],
        checksum=stored["checksum"],
        sql=stored["sql"],
        down=stored["down"],
        why_not=stored["why_not"],
        warning=stored["warning"],
    )


def submit_sql(actor: Actor, rollback: DatabaseRollback, *, sql: str) -> None:
    """Step 3: submit the SQL. Any earlier preflight, rehearsal and approval is void.

    Raises:
        StepRefused: it is empty or too long, or the rollback is past the step where it can be changed.
    """
    raw = sql.encode(errors="surrogatepass")
    if not sql.strip():
        refuse(
            actor,
            rollback,
            "SQL refused",
            "There is no SQL. Write SELECT 1; where nothing is to be undone.",
        )
    if len(raw) > LONGEST_SQL:
        refuse(actor, rollback, "SQL refused", f"The SQL is longer than {LONGEST_SQL // 1_000_000} MB.")
    if rollback.status != "writing":
        reopen_sql(actor, rollback)
    digest = hashlib.sha256(raw).hexdigest()
    authors = sorted({*rollback.authors, actor.user_id or 0})
    message = f"{actor.name} wrote the SQL ({len(raw):,} bytes, SHA-256 {digest[:12]})."
    step(
        actor, rollback, "checking", message, action="SQL written",
        sql=sql, sql_sha256=digest, authors=authors, sql_analysis={},
    )  # fmt: skip


def reopen_sql(actor: Actor, rollback: DatabaseRollback) -> None:
    """Go back to step 3: preflight, rehearsal and approval start over."""
    message = f"{actor.name} changes the SQL: what was rehearsed and approved is void."
    step(actor, rollback, "writing", message, action="approval void", **DISCARDED)


def rerun_preflight(actor: Actor, rollback: DatabaseRollback) -> None:
    """Step 4: run the preflight checks again."""
    message = f"{actor.name} runs the preflight checks again."
    step(actor, rollback, "preflight", message, action="preflight run again", **DISCARDED)


def request_backup(actor: Actor, rollback: DatabaseRollback, *, accepted: str = "") -> None:
    """Step 5: have the backup taken, then the rehearsal run on it.

    Args:
        accepted: why the warnings of the preflight are acceptable; needed where there are any.

    Raises:
        StepRefused: a preflight check stops it, or one warns and no reason was given.
    """
    accepted = accepted.strip()
    stop = next((result for result in rollback.preflight if result["tone"] == "stop"), None)
    if stop is not None:
        refuse(actor, rollback, "backup refused", f"A preflight check blocks this: {stop['message']}")
    if not accepted and any(result["tone"] == "warn" for result in rollback.preflight):
        refuse(actor, rollback, "backup refused", "A preflight check warns. Say why that is acceptable.")
    message = f"{actor.name} starts the backup and the rehearsal."
    message += f" Warnings accepted: {accepted}" if accepted else ""
    step(
        actor, rollback, "backing_up", message, action="backup requested",
        warnings_accepted_because=accepted, backup=None, rehearsal={}, progress={}, cancel_requested_at=None,
        cancel_requested_by="",
    )  # fmt: skip


def abandon(actor: Actor, rollback: DatabaseRollback, *, reason: str = "") -> None:
    """Give it up. A worker that is at it stops; the record and the backup are kept.

    Args:
        reason: needed where it is somebody else's and was rehearsed.

    Raises:
        StepRefused: there is no reason, or its run has begun or ended.
    """
    reason = reason.strip()
    if needs_reason_to_abandon(actor.user_id, rollback) and not says_something(reason):
        who = f"{rollback.requested_by_name} requested it and it was rehearsed."
        refuse(actor, rollback, "abandoning refused", f"{who} Say in a sentence why it is given up.")
    message = f"{actor.name} abandoned it. The database was not changed."
    step(
        actor, rollback, "abandoned", f"{message} Reason: {reason}" if reason else message,
        action="abandoned", outcome=Outcome.DONE, guard={"status": rollback.status}, ended_at=clock.now(),
    )  # fmt: skip


def needs_reason_to_abandon(user_id: int | None, rollback: DatabaseRollback) -> bool:
    """Whether somebody else's work would be lost: a rehearsal takes a backup, a restore and minutes."""
    # What somebody else has just discarded by starting over was their work all the same.
    rehearsed = bool(rollback.rehearsal) or "rehearsed" in rollback.status_times
    return user_id != rollback.requested_by_id and rehearsed


def try_again(actor: Actor, rollback: DatabaseRollback) -> None:
    """Have the step done once more that an unforeseen error has ended.

    Raises:
        StepRefused: no step was ended like that, or somebody has gone on meanwhile.
    """
    if rollback.failed_in not in STEPS_AGAIN:
        refuse(actor, rollback, "trying again refused", "There is no step that could be tried again.")
    *before, last = STEPS_AGAIN[rollback.failed_in]
    with transaction.atomic():
        for status in before:
            rollback.move(status, guard={"failed_in": rollback.failed_in})
        step(
            actor, rollback, last, f"{actor.name} has the step tried again.", action="step tried again",
            guard={"failed_in": rollback.failed_in}, progress={},
        )  # fmt: skip


def request_cancel(actor: Actor, rollback: DatabaseRollback) -> None:
    """Step 8: stop the run before its commit.

    Raises:
        StepRefused: it has reached its commit, has ended, or is being stopped already.
    """
    if rollback.status != "running":
        refuse(actor, rollback, "cancel refused", "The run can no longer be stopped.")
    with transaction.atomic():
        now = clock.now()
        running = DatabaseRollback.objects.filter(pk=rollback.pk, status="running", cancel_requested_at=None)
        if not running.update(cancel_requested_at=now, cancel_requested_by=actor.name):
            raise StepRefused("The run has ended or reached its commit, or a stop was already requested.")
        message = f"{actor.name} asked to stop the run."
        record_step(actor, rollback, "stop requested", Outcome.ASKED, message)
