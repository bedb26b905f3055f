"""Step 9: the worker finds out how the run ended, and verifies what it left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import timedelta

from dbtools.config import NotConfigured, load_database
from dbtools.execution import commit_outcome
from dbtools.execution.run_spec import Identity, RunSpec
from dbtools.execution.transaction import NAMED
from dbtools.models import RecordedState
from dbtools.models.documents import TransactionIdentity, Verification
from dbtools.postgres import client, state
from dbtools.postgres.client import DatabaseUnreachable, Error
from dbtools.postgres.state import DatabaseState, StatePart
from dbtools.prisma import history
from dbtools.prisma.history import HistoryRow
from dbtools.prisma.status import older_rows
from dbtools.wizard.worker.approved_run import run_spec_of
from dbtools.wizard.worker.context import WizardContext
from dbtools.wizard.worker.unforeseen import A_PERSON
from rollback_portal.audit.models import Outcome
from rollback_portal.jobs import clock
from rollback_portal.text import duration, first_of

RETRY_SECONDS = 5.0
TRY_FOR = timedelta(minutes=30)


def resolve_commit(context: WizardContext) -> None:
    """Determine the outcome of a run whose worker died. If the facts disagree, a person decides."""
    rollback = context.rollback
    if rollback.status == "committing":
        context.advance("resolving", "The worker died while it committed; the transaction is looked up.",
                        action="commit unclear", outcome=Outcome.UNCLEAR)  # fmt: skip
    after = rollback.run_log.get("fingerprint_after", "")
    try:
        address = load_database(rollback.database.name).address()
        outcome = commit_outcome.find_outcome(
            address, run_spec_of(rollback), _identity(rollback.identity), after=after
        )
    except (NotConfigured, DatabaseUnreachable, Error) as error:
        _try_again(context, f"It cannot be checked yet what became of the run: {error}")
        return
    run_log = {**rollback.run_log, "resolved": asdict(outcome)}
    if outcome.verdict == commit_outcome.COMMITTED:
        context.advance(
            "verifying", outcome.message, action="commit found out", outcome=Outcome.DONE, run_log=run_log
        )
    elif outcome.verdict == commit_outcome.NOT_COMMITTED:
        context.finish_without_effect("unchanged", outcome.message, run_log=run_log)
    else:
        message = f"{outcome.message} {A_PERSON}"
        context.advance(
            "needs_attention", message, action="outcome unknown", outcome=Outcome.UNCLEAR, run_log=run_log
        )


def _identity(stored: TransactionIdentity) -> Identity | None:
    """The transaction of the run; None where the worker died before it had begun one."""
    if not stored:
        return None
    return Identity(
        xid=stored.get("xid", ""),
        system=stored.get("system", ""),
        timeline=stored.get("timeline", 0),
        backend=stored.get("backend", 0),
    )


def verify(context: WizardContext) -> None:
    """Check on a new connection that the history rows are gone and the schema is as the run left it."""
    rollback = context.rollback
    try:
        config, spec = load_database(rollback.database.name), run_spec_of(rollback)
        address = config.address()
        purpose = f"verification {rollback.pk}"
        with client.connect(address, purpose, settings=client.read_only(60)) as connection:
            commit_outcome.refuse_another_database(connection, address, spec)
            rows = history.read(connection, address.schema)
            now = state.read(connection, config.all_schemas())
    except (NotConfigured, DatabaseUnreachable, Error) as error:
        _try_again(context, f"Committed; the database cannot be checked yet: {error}")
        return
    left = rollback.run_log.get("fingerprint_after", "")
    parts = RecordedState.parts_of(left)
    verification: Verification = {
        "rows_standing": _standing(spec, rows),
        "schema_as_rehearsed": now.fingerprint == left or _same_schema(parts, now),
        "older_rows": list(older_rows(rows, rollback.selected)),
        "differences": list(state.differences(parts, now.parts)) if parts else [],
    }
    _record_verification(context, verification)


def _standing(spec: RunSpec, rows: Iterable[HistoryRow]) -> list[str]:
    """The names of the rows that the run was to delete and that are still there."""
    ids = {row.id for row in rows}
    return [row.name for row in spec.rows if row.id in ids]


def _same_schema(left: Mapping[str, StatePart], now: DatabaseState) -> bool:
    """Whether only settings, rights and the like differ, which others may change at any time."""
    changed = state.change(DatabaseState(now.major, left), now)
    return bool(left) and not changed.touched


def _record_verification(context: WizardContext, verification: Verification) -> None:
    rollback, rows = context.rollback, verification["rows_standing"]
    if rows or not verification["schema_as_rehearsed"]:
        what = (
            f"the history row of {rows[0]} is still there" if rows else "the schema is not as the run left it"
        )
        named = first_of(verification["differences"], NAMED)
        context.advance(
            "needs_attention",
            f"Committed, but {what}. {named} Somebody may have deployed since; a person has to look.",
            action="verified", outcome=Outcome.UNCLEAR, verification=verification,
        )  # fmt: skip
        return
    context.advance(
        "done",
        f"{', '.join(rollback.selected)} rolled back: the history rows are gone and the schema is as the run "
        "left it.",
        action="rolled back", outcome=Outcome.DONE, verification=verification, ended_at=clock.now(),
        before={"history": rollback.run_log.get("deleted", [])},
    )  # fmt: skip


def _try_again(context: WizardContext, message: str) -> None:
    """Try the same again soon; what still fails after `TRY_FOR` is for a person."""
    since = context.rollback.reached_at(context.rollback.status)
    if since is None or clock.now() - since < TRY_FOR:
        context.retry_in(RETRY_SECONDS, message)
        return
    context.advance(
        "needs_attention", f"{message} It was tried for {duration(TRY_FOR)}. {A_PERSON}",
        action="not checked", outcome=Outcome.UNCLEAR,
    )  # fmt: skip
