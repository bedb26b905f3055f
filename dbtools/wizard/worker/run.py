"""Step 8: the worker runs what was approved, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from dbtools.config import NotConfigured, load_database
from dbtools.execution import runner
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
from dbtools.models.documents import RunLog, StoredRan
from dbtools.postgres import state
from dbtools.postgres.client import Connection, DatabaseUnreachable
from dbtools.postgres.programs import ProgramStopped
from dbtools.postgres.state import DatabaseState
from dbtools.sql.isolated import AnalysisFailed
from dbtools.wizard import approval
from dbtools.wizard.worker.approved_run import NotAsApproved, check_script, run_spec_of
from dbtools.wizard.worker.context import WizardContext
from rollback_portal.audit.models import Outcome
from rollback_portal.jobs.lease import LeaseLost

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
        context.finish_without_effect("approved", f"{reason} Nothing was run.")
        return
    try:
        check_script(rollback, stop=context.lost.is_set)
        address = load_database(rollback.database.name).address()
        spec = replace(run_spec_of(rollback), approved=RecordedState.parts_of(rollback.fingerprint))
        committed = runner.run(address, spec, RecordingObserver(context))
    except (NotAsApproved, AnalysisFailed) as error:
        context.finish_without_effect("approved", f"{error} Nothing was run.")
    except (Blocked, DatabaseUnreachable, NotConfigured) as error:
        context.finish_without_effect("approved", str(error))
    except ProgramStopped:
        raise LeaseLost from None
    except RunCanceled as error:
        context.finish_without_effect("approved", f"{_why_stopped(context)} {error}")
    except NothingChanged as error:
        context.finish_without_effect("unchanged", str(error))
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
