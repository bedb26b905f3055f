"""What people ask of the wizard, step by step. The work itself is in `work/`; the approval in `approvals.py`.

These verbs know no queue and no request. Each one is a single transaction with its audit entry, and each is
refused with a sentence where the row is not at the step that it belongs to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from dbtools import wings
from dbtools.models import WITHOUT_RETURN, Database, DatabaseRollback
from dbtools.prisma.arrange import Entry, NotChoosable, chosen
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor, record

LONGEST_SQL = 1_000_000  # bytes
CHANNEL = "portal_changes"  # what dispatchers listen to


class NotPossible(Exception):
    """The verb cannot be done; `str()` says why and what is still true. Nothing was changed."""


def start(actor: Actor, database: Database, *, incident: str = "") -> DatabaseRollback:
    """Begin at the first step.

    Raises:
        NotPossible: one is under way on this database already, or it is not configured any more.
    """
    if actor.user is None:
        raise NotPossible("Only a person can ask for it. Nothing was started.")
    if database.gone_at is not None:
        raise NotPossible(f"{database} is not configured any more. Nothing was started.")
    try:
        with transaction.atomic():
            rollback = DatabaseRollback.objects.create(
                database=database,
                requested_by=actor.user,
                requested_by_name=actor.name,
                incident=incident,
                moments={"deciding": timezone.now().isoformat()},
            )
            tell(actor, rollback, "started", Outcome.ASKED, f"{actor.name} opened the wizard for {database}.")
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
    live = wings.live_code(rollback.database.services)
    need = {"reason": reason, "by": actor.name, "live": live}
    said = f"{actor.name} decided that it is needed: {reason}"
    step(actor, rollback, "reading", said, action="need recorded", need=need, source=dict(source))


def read_again(actor: Actor, rollback: DatabaseRollback, source: Mapping[str, Any]) -> None:
    """Step 2: read folder and history once more, perhaps from another commit or from an upload."""
    where = source.get("commit") or source.get("kind")
    said = f"{actor.name} has the migrations read again ({where})."
    step(actor, rollback, "reading", said, action="migrations read", source=dict(source), chosen=[])


def choose(actor: Actor, rollback: DatabaseRollback, name: str) -> None:
    """Step 2: this migration and every later one go.

    Raises:
        NotPossible: only the newest ones can go, and the reason names what is in the way.
    """
    entries = [Entry(**each) for each in rollback.entries]
    try:
        names = [entry.name for entry in chosen(entries, name)]
    except NotChoosable as error:
        refuse(actor, rollback, "choice refused", str(error))
    said = f"{actor.name} chose {', '.join(names)}."
    step(actor, rollback, "drafting", said, action="migrations chosen", chosen=names, draft={})


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
        sql=sql, sql_sha256=digest, authors=authors, script={},
    )  # fmt: skip


def back_to_writing(actor: Actor, rollback: DatabaseRollback) -> None:
    """Change the SQL once more: preflight, rehearsal and approval start over."""
    said = f"{actor.name} changes the SQL: what was rehearsed and approved is void."
    step(actor, rollback, "writing", said, action="approval void", **VOID)


VOID: dict[str, Any] = {
    "bound": "", "approved_by": None, "approved_by_name": "", "approved_at": None, "ticked": [],
    "rehearsal": {}, "guards": [], "accepted": "", "progress": {},
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
    tones = [guard["tone"] for guard in rollback.guards]
    if "stop" in tones:
        stop = next(guard for guard in rollback.guards if guard["tone"] == "stop")
        refuse(actor, rollback, "backup refused", f"A guard stands in the way: {stop['sentence']}")
    if "warn" in tones and not accepted.strip():
        refuse(actor, rollback, "backup refused", "A guard warns. Say why that is acceptable.")
    said = f"{actor.name} has the backup taken and the rehearsal run."
    said += f" Warnings accepted: {accepted.strip()}" if accepted.strip() else ""
    step(
        actor, rollback, "backing_up", said, action="backup asked for",
        accepted=accepted.strip(), backup=None, rehearsal={}, progress={}, cancel_asked_at=None,
        cancel_asked_by="",
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
        asked = DatabaseRollback.objects.filter(pk=rollback.pk, status="running", cancel_asked_at=None)
        if not asked.update(cancel_asked_at=now, cancel_asked_by=actor.name):
            raise NotPossible("The run has ended or reached its commit already, or cancel was asked for.")
        tell(actor, rollback, "cancel asked for", Outcome.ASKED, f"{actor.name} asked to stop the run.")


def step(
    actor: Actor,
    rollback: DatabaseRollback,
    to: str,
    sentence: str,
    *,
    action: str,
    outcome: str = Outcome.STEP,
    **fields: Any,
) -> None:
    """Move the row with its audit entry, and wake a worker where the new step is one's work.

    Raises:
        NotPossible: the row is not where this step begins.
    """
    now = timezone.now()
    moments = {**rollback.moments, to: now.isoformat()}
    free: dict[str, Any] = {"lease_owner": None, "lease_until": None, "not_before": None, "rung_at": None}
    with transaction.atomic():
        if not rollback.move(to, sentence=sentence, moments=moments, **{**free, **fields}):
            rollback.refresh_from_db()
            raise NotPossible(
                f"This rollback is at the step “{rollback.status.replace('_', ' ')}” by now; "
                "that step cannot be taken from there. Nothing was changed."
            )
        tell(actor, rollback, action, outcome, sentence)
        if rollback.at_work:
            ring()


def refuse(actor: Actor, rollback: DatabaseRollback, action: str, why: str) -> NoReturn:
    """Record a refusal and raise it.

    Raises:
        NotPossible: always.
    """
    with transaction.atomic():
        tell(actor, rollback, action, Outcome.REFUSED, f"{actor.name} was refused: {why}")
    raise NotPossible(f"{why} Nothing was changed.")


def tell(
    actor: Actor,
    rollback: DatabaseRollback,
    action: str,
    outcome: str,
    sentence: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """The audit entry of one step."""
    record(
        actor,
        f"database rollback: {action}",
        outcome,
        f"{rollback.database.name} · database rollback {rollback.pk}",
        f"{rollback.title}: {sentence}" if rollback.chosen else sentence,
        operation=rollback.key,
        reason=str(rollback.need.get("reason", "")),
        incident=rollback.incident,
        before=before,
        after={"sql": rollback.sql_sha256, "chosen": rollback.chosen, **(after or {})},
    )


def ring() -> None:
    """Tell the dispatchers, at the commit of this transaction, that there is work."""
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {CHANNEL}")


def under_way(services: Sequence[str]) -> str:
    """The run that is between start and proof on a database of one of these services; "" where none is."""
    running = DatabaseRollback.objects.shown().filter(
        status__in=WITHOUT_RETURN, database__services__overlap=list(services)
    )
    found = running.first()
    return f"{found.title} is being rolled back on the database {found.database}." if found else ""
