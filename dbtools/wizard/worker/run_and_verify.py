"""Steps 8 and 9, the worker's part: run what was approved, find out what became of it, prove it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.utils import timezone

from dbtools.config import NotConfigured, database
from dbtools.execution import commit_outcome, runner
from dbtools.execution.run_spec import (
    Blocker,
    Canceled,
    Escaped,
    HistoryRow,
    Identity,
    NothingChanged,
    Occupied,
    Order,
    Ran,
    Unclear,
)
from dbtools.models import DatabaseRollback
from dbtools.postgres import catalog, client
from dbtools.postgres.client import Connection, Error, Unreachable
from dbtools.prisma import history
from dbtools.wizard import approval
from dbtools.wizard.worker.context import WizardContext
from rollback_portal.audit.models import Outcome
from rollback_portal.jobs.lease import LeaseLost

LEAST_SECONDS = 60.0  # for one statement, however short the rehearsal was
TIMES_REHEARSED = 5
ASK_AGAIN = 5.0  # seconds


def run(hold: WizardContext) -> None:
    """Run it, once. A worker that died before the transaction had changed anything is simply followed."""
    rollback = hold.rollback
    if rollback.identity:  # somebody else was further than this: its transaction is looked up
        hold.advance("resolving", "The worker died during the run; its transaction is looked up.",
                  action="run interrupted", outcome=Outcome.UNCLEAR)  # fmt: skip
        return
    why = approval.why_not_run(rollback)
    if why:
        _nothing(hold, "approved", f"{why} Nothing was run.")
        return
    try:
        where = database(rollback.database.name).target()
        done = runner.run(where, order(rollback), Following(hold))
    except (Occupied, Unreachable, NotConfigured) as error:
        _nothing(hold, "approved", str(error))
    except Canceled as error:
        _nothing(hold, "approved", f"{rollback.cancel_requested_by or 'Somebody'} stopped it. {error}")
    except NothingChanged as error:
        _nothing(hold, "unchanged", str(error))
    except Escaped as error:
        hold.advance("needs_attention", str(error), action="run", outcome=Outcome.UNCLEAR)
    except Unclear as error:
        hold.advance("resolving", str(error), action="commit unclear", outcome=Outcome.UNCLEAR)
    else:
        told = {
            "ran": [asdict(each) for each in done.ran],
            "seconds": done.seconds,
            "tries": done.tries,
            "invalid": list(done.invalid),
        }
        hold.advance(
            "verifying", f"Committed after {done.seconds:.1f} s; a new connection looks at it now.",
            action="committed", outcome=Outcome.DONE, run_log={**rollback.run_log, **told},
            after={"transaction": done.identity.xid},
        )  # fmt: skip


def order(rollback: DatabaseRollback) -> Order:
    """The run exactly as it was approved."""
    configured = database(rollback.database.name)
    rows = {each["name"]: each["row"] for each in rollback.migrations}
    return Order(
        id=str(rollback.pk),
        statements=tuple(each["text"] for each in rollback.sql_analysis["statements"]),
        rows=tuple(HistoryRow(rows[name], name) for name in rollback.selected),
        schema=configured.target().schema,
        schemas=configured.all_schemas(),
        fingerprint=rollback.fingerprint,
        history=rollback.history,
        statement_seconds=max(LEAST_SECONDS, TIMES_REHEARSED * rollback.rehearsal.get("seconds", 0.0)),
        alone=rollback.sql_analysis.get("path") == "alone",
    )


def _nothing(hold: WizardContext, to: str, message: str) -> None:
    """It did not run, for certain. Back to the approved state where trying again makes sense."""
    ended: dict[str, Any] = {"identity": {}, "cancel_requested_at": None}
    if to == "unchanged":
        ended["ended_at"] = timezone.now()
    hold.advance(to, message, action="nothing changed", outcome=Outcome.FAILED, **ended)


class Following:
    """Writes down what a run tells: durably where that matters, with the heartbeat otherwise."""

    def __init__(self, hold: WizardContext) -> None:
        self.hold = hold
        self._ran: list[dict[str, Any]] = []

    def began(self, identity: Identity) -> None:
        self.hold.note(identity=asdict(identity))

    def ran(self, ran: Ran) -> None:
        self._ran = [*self._ran, asdict(ran)]
        self.hold.report(ran=self._ran, blockers=[])

    def deleted(self, rows: tuple[Mapping[str, object], ...]) -> None:
        """The rows as they stood are saved before they are gone."""
        self.hold.note(run_log={**self.hold.rollback.run_log, "deleted": [dict(row) for row in rows]})

    def waits(self, attempt: int, blockers: tuple[Blocker, ...]) -> None:
        self._ran = []
        self.hold.note(identity={})
        self.hold.report(ran=[], attempt=attempt, blockers=[asdict(each) for each in blockers])

    def committing(self, connection: Connection) -> None:
        self.hold.advance("committing", "The transaction is being committed.", action="committing")

    def stop(self) -> bool:
        if self.hold.lost.is_set():
            raise LeaseLost
        return self.hold.canceled


def look_up(hold: WizardContext) -> None:
    """What became of a run whose end nobody saw. Three facts decide; where they disagree, a person does."""
    rollback = hold.rollback
    if rollback.status == "committing":
        hold.advance("resolving", "The worker died while it committed; the transaction is looked up.",
                  action="commit unclear", outcome=Outcome.UNCLEAR)  # fmt: skip
    identity = Identity(**rollback.identity) if rollback.identity else None
    after = str(rollback.rehearsal.get("fingerprint_after", ""))
    try:
        where = database(rollback.database.name).target()
        found = commit_outcome.resolve(where, order(rollback), identity, after=after)
    except (NotConfigured, Unreachable, Error) as error:
        hold.retry_in(ASK_AGAIN, f"The database cannot be asked what became of the run: {error}")
        return
    facts = {**rollback.run_log, "resolved": asdict(found)}
    if found.verdict == commit_outcome.COMMITTED:
        hold.advance(
            "verifying", found.message, action="commit found out", outcome=Outcome.DONE, run_log=facts
        )
    elif found.verdict == commit_outcome.NOT_COMMITTED:
        rollback.run_log = facts
        _nothing(hold, "unchanged", found.message)
    else:
        said = f"{found.message} A person has to look; the database stays locked in the portal."
        hold.advance(
            "needs_attention", said, action="outcome unknown", outcome=Outcome.UNCLEAR, run_log=facts
        )


def verify(hold: WizardContext) -> None:
    """A new connection looks: the history rows are gone and the schema is the rehearsed one."""
    rollback = hold.rollback
    try:
        configured = database(rollback.database.name)
        where = configured.target()
        with client.connect(where, f"verification {rollback.pk}", settings=SESSION) as connection:
            standing = {row.id for row in history.read(connection, where.schema)}
            schema = catalog.read(connection, configured.all_schemas()).fingerprint
    except (NotConfigured, Unreachable, Error) as error:
        hold.retry_in(ASK_AGAIN, f"Committed; the database cannot be looked at yet: {error}")
        return
    rows = [each.name for each in order(rollback).rows if each.id in standing]
    same = schema == rollback.rehearsal.get("fingerprint_after")
    verified = {"rows_standing": rows, "schema_as_rehearsed": same}
    if rows or not same:
        what = f"the history row of {rows[0]} still stands" if rows else "the schema is not the rehearsed one"
        said = f"Committed, but {what}. Somebody may have deployed since; a person has to look."
        hold.advance(
            "needs_attention", said, action="verified", outcome=Outcome.UNCLEAR, verification=verified
        )
        return
    names = ", ".join(rollback.selected)
    hold.advance(
        "done",
        f"{names} rolled back: the history rows are gone and the schema is the rehearsed one.",
        action="rolled back", outcome=Outcome.DONE, verification=verified, ended_at=timezone.now(),
        before={"history": rollback.run_log.get("deleted", [])},
    )  # fmt: skip


SESSION = ("default_transaction_read_only=on", "statement_timeout=60s")
