"""Steps 8 and 9: the worker runs what was approved, finds out how it ended, and verifies the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from django.utils import timezone

from dbtools.config import NotConfigured, load_database
from dbtools.execution import commit_outcome, runner
from dbtools.execution.run_spec import (
    UNDONE,
    Blocked,
    Blocker,
    CommittedRun,
    CommitUnknown,
    ExecutedStatement,
    Identity,
    NothingChanged,
    PartiallyApplied,
    RunCanceled,
    RunSpec,
)
from dbtools.models import RecordedState
from dbtools.models.documents import RunLog, StoredRan, TransactionIdentity, Verification
from dbtools.postgres import client, state
from dbtools.postgres.client import Connection, DatabaseUnreachable, Error
from dbtools.postgres.programs import ProgramStopped
from dbtools.postgres.state import DatabaseState, StatePart
from dbtools.prisma import history
from dbtools.prisma.history import HistoryRow
from dbtools.prisma.status import older_rows
from dbtools.sql.isolated import AnalysisFailed
from dbtools.wizard import approval
from dbtools.wizard.worker.approved_run import NotAsApproved, check_script, run_spec_of
from dbtools.wizard.worker.context import WizardContext
from rollback_portal.audit.models import Outcome
from rollback_portal.jobs.lease import LeaseLost

RETRY_SECONDS = 5.0
NAMED = 5  # differences in the message; all of them are in the verification
NOBODY_STARTED_IT = "It is not recorded who started it: type its name once more."


def run_sql(context: WizardContext) -> None:
    """Run it, once. A worker that died before its transaction had begun left nothing: it is run again."""
    rollback = context.rollback
    if rollback.identity:  # a worker that died had begun its transaction
        context.advance("resolving", "The worker died during the run; its transaction is looked up.",
                        action="run interrupted", outcome=Outcome.UNCLEAR)  # fmt: skip
        return
    reason = approval.void_reason(rollback) or ("" if rollback.started_by_id else NOBODY_STARTED_IT)
    if reason:
        _finish_without_effect(context, "approved", f"{reason} Nothing was run.")
        return
    try:
        check_script(rollback, stop=context.lost.is_set)
        address = load_database(rollback.database.name).address()
        spec = replace(run_spec_of(rollback), approved=RecordedState.parts_of(rollback.fingerprint))
        committed = runner.run(address, spec, RecordingObserver(context))
    except (NotAsApproved, AnalysisFailed) as error:
        _finish_without_effect(context, "approved", f"{error} Nothing was run.")
    except (Blocked, DatabaseUnreachable, NotConfigured) as error:
        _finish_without_effect(context, "approved", str(error))
    except ProgramStopped:
        raise LeaseLost from None
    except RunCanceled as error:
        _finish_without_effect(context, "approved", f"{_why_stopped(context)} {error}")
    except NothingChanged as error:
        _finish_without_effect(context, "unchanged", str(error))
    except PartiallyApplied as error:
        message = f"{context.lapsed} {error}".strip()
        context.advance("needs_attention", message, action="run", outcome=Outcome.UNCLEAR)
    except CommitUnknown as error:
        context.advance("resolving", str(error), action="commit unclear", outcome=Outcome.UNCLEAR)
    else:
        _record_commit(context, committed, spec)


def _why_stopped(context: WizardContext) -> str:
    return context.lapsed or f"{context.rollback.cancel_requested_by or 'Somebody'} stopped it."


def _record_commit(context: WizardContext, committed: CommittedRun, spec: RunSpec) -> None:
    run_log: RunLog = {
        **context.rollback.run_log,
        "ran": [_stored(executed) for executed in committed.ran],
        "seconds": committed.seconds,
        "tries": committed.tries,
        "invalid": list(committed.invalid_indexes),
    }
    if committed.before and committed.after and spec.rehearsed:
        ran = state.change(committed.before, committed.after)
        run_log["compared"] = state.compared_how(spec.rehearsed, ran)
        run_log["beside"] = list(state.beside(committed.before, committed.after))
    context.advance(
        "verifying", f"Committed after {committed.seconds:.1f} s; it is now checked over a new connection.",
        action="committed", outcome=Outcome.DONE, run_log=run_log,
        after={"transaction": committed.identity.xid},
    )  # fmt: skip


def _stored(executed: ExecutedStatement) -> StoredRan:
    return {"number": executed.number, "rows": executed.rows, "seconds": executed.seconds}


def _finish_without_effect(context: WizardContext, to: str, message: str, **fields: Any) -> None:
    """Nothing was changed, for certain. `to` is "approved" where another try makes sense."""
    fields |= {"identity": {}, "cancel_requested_at": None, "started_by": None}
    if to == "unchanged":
        fields["ended_at"] = timezone.now()
    context.advance(to, message, action="nothing changed", outcome=Outcome.FAILED, **fields)


class RecordingObserver:
    """Records a run: at once what is needed if this worker dies, the rest with the next renewal."""

    def __init__(self, context: WizardContext) -> None:
        self.context = context
        self._ran: list[StoredRan] = []

    def began(self, identity: Identity) -> None:
        self.context.note(identity=asdict(identity))
        self.context.check_rights()

    def ran(self, ran: ExecutedStatement) -> None:
        self._ran = [*self._ran, _stored(ran)]
        self.context.report(ran=self._ran, blockers=[])

    def deleted(self, rows: tuple[Mapping[str, object], ...]) -> None:
        """Save the history rows before the commit deletes them."""
        self.context.note(run_log={**self.context.rollback.run_log, "deleted": [dict(row) for row in rows]})

    def waits(self, attempt: int, blockers: tuple[Blocker, ...]) -> None:
        self._ran = []
        self.context.note(identity={})
        self.context.report(ran=[], attempt=attempt, blockers=[asdict(blocker) for blocker in blockers])

    def committing(self, connection: Connection, after: DatabaseState) -> None:
        """Keep what the run leaves: what stands later is compared with it, and not with a copy."""
        self.context.check_rights()
        if self.context.lapsed:
            raise RunCanceled(f"Canceled before the commit. {UNDONE}")
        RecordedState.record(after)
        self.context.advance(
            "committing", "The transaction is being committed.", action="committing",
            run_log={**self.context.rollback.run_log, "fingerprint_after": after.fingerprint},
        )  # fmt: skip

    def stop(self) -> bool:
        if self.context.lost.is_set():
            raise LeaseLost
        return self.context.canceled or bool(self.context.lapsed)


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
        context.retry_in(RETRY_SECONDS, f"It cannot be checked yet what became of the run: {error}")
        return
    run_log = {**rollback.run_log, "resolved": asdict(outcome)}
    if outcome.verdict == commit_outcome.COMMITTED:
        context.advance(
            "verifying", outcome.message, action="commit found out", outcome=Outcome.DONE, run_log=run_log
        )
    elif outcome.verdict == commit_outcome.NOT_COMMITTED:
        _finish_without_effect(context, "unchanged", outcome.message, run_log=run_log)
    else:
        message = f"{outcome.message} A person has to look; the database stays locked in the portal."
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
    """Check on a new connection that the history rows are gone and the schema is the rehearsed one."""
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
        context.retry_in(RETRY_SECONDS, f"Committed; the database cannot be checked yet: {error}")
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
        named = " ".join(verification["differences"][:NAMED])
        context.advance(
            "needs_attention",
            f"Committed, but {what}. {named} Somebody may have deployed since; a person has to look.",
            action="verified", outcome=Outcome.UNCLEAR, verification=verification,
        )  # fmt: skip
        return
    context.advance(
        "done",
        f"{', '.join(rollback.selected)} rolled back: the history rows are gone and the schema is the "
        "rehearsed one.",
        action="rolled back", outcome=Outcome.DONE, verification=verification, ended_at=timezone.now(),
        before={"history": rollback.run_log.get("deleted", [])},
    )  # fmt: skip
