"""Steps 8 and 9, the worker's part: run what was approved, find out what became of it, prove it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.utils import timezone

from dbtools import approvals, catalog, resolution, runner, target
from dbtools.configured import NotConfigured, database
from dbtools.models import DatabaseRollback
from dbtools.orders import (
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
from dbtools.prisma import history
from dbtools.target import Connection, Error, Unreachable
from dbtools.work.hold import Hold, LeaseLost
from rollback_portal.audit.models import Outcome

LEAST_SECONDS = 60.0  # for one statement, however short the rehearsal was
TIMES_REHEARSED = 5
ASK_AGAIN = 5.0  # seconds


def run(hold: Hold) -> None:
    """Run it, once. A worker that died before the transaction had changed anything is simply followed."""
    rollback = hold.rollback
    if rollback.identity:  # somebody else was further than this: its transaction is looked up
        hold.move("resolving", "The worker died during the run; its transaction is looked up.",
                  action="run interrupted", outcome=Outcome.UNCLEAR)  # fmt: skip
        return
    why = approvals.why_not_run(rollback)
    if why:
        _nothing(hold, "approved", f"{why} Nothing was run.")
        return
    try:
        where = database(rollback.database.name).target()
        done = runner.run(where, order(rollback), Following(hold))
    except (Occupied, Unreachable, NotConfigured) as error:
        _nothing(hold, "approved", str(error))
    except Canceled as error:
        _nothing(hold, "approved", f"{rollback.cancel_asked_by or 'Somebody'} stopped it. {error}")
    except NothingChanged as error:
        _nothing(hold, "unchanged", str(error))
    except Escaped as error:
        hold.move("needs_attention", str(error), action="run", outcome=Outcome.UNCLEAR)
    except Unclear as error:
        hold.move("resolving", str(error), action="commit unclear", outcome=Outcome.UNCLEAR)
    else:
        told = {
            "ran": [asdict(each) for each in done.ran],
            "seconds": done.seconds,
            "tries": done.tries,
            "invalid": list(done.invalid),
        }
        hold.move(
            "verifying", f"Committed after {done.seconds:.1f} s; a new connection looks at it now.",
            action="committed", outcome=Outcome.DONE, run={**rollback.run, **told},
            after={"transaction": done.identity.xid},
        )  # fmt: skip


def order(rollback: DatabaseRollback) -> Order:
    """The run exactly as it was approved."""
    configured = database(rollback.database.name)
    rows = {each["name"]: each["row"] for each in rollback.entries}
    return Order(
        id=str(rollback.pk),
        statements=tuple(each["text"] for each in rollback.script["statements"]),
        rows=tuple(HistoryRow(rows[name], name) for name in rollback.chosen),
        schema=configured.target().schema,
        schemas=configured.all_schemas(),
        fingerprint=rollback.fingerprint,
        history=rollback.history,
        statement_seconds=max(LEAST_SECONDS, TIMES_REHEARSED * rollback.rehearsal.get("seconds", 0.0)),
        alone=rollback.script.get("path") == "alone",
    )


def _nothing(hold: Hold, to: str, sentence: str) -> None:
    """It did not run, for certain. Back to the approved state where trying again makes sense."""
    ended: dict[str, Any] = {"identity": {}, "cancel_asked_at": None}
    if to == "unchanged":
        ended["ended_at"] = timezone.now()
    hold.move(to, sentence, action="nothing changed", outcome=Outcome.FAILED, **ended)


class Following:
    """Writes down what a run tells: durably where that matters, with the heartbeat otherwise."""

    def __init__(self, hold: Hold) -> None:
        self.hold = hold
        self._ran: list[dict[str, Any]] = []

    def began(self, identity: Identity) -> None:
        self.hold.note(identity=asdict(identity))

    def ran(self, ran: Ran) -> None:
        self._ran = [*self._ran, asdict(ran)]
        self.hold.say(ran=self._ran, blockers=[])

    def deleted(self, rows: tuple[Mapping[str, object], ...]) -> None:
        """The rows as they stood are saved before they are gone."""
        self.hold.note(run={**self.hold.rollback.run, "deleted": [dict(row) for row in rows]})

    def waits(self, attempt: int, blockers: tuple[Blocker, ...]) -> None:
        self._ran = []
        self.hold.note(identity={})
        self.hold.say(ran=[], attempt=attempt, blockers=[asdict(each) for each in blockers])

    def committing(self, connection: Connection) -> None:
        self.hold.move("committing", "The transaction is being committed.", action="committing")

    def stop(self) -> bool:
        if self.hold.lost.is_set():
            raise LeaseLost
        return self.hold.canceled


def look_up(hold: Hold) -> None:
    """What became of a run whose end nobody saw. Three facts decide; where they disagree, a person does."""
    rollback = hold.rollback
    if rollback.status == "committing":
        hold.move("resolving", "The worker died while it committed; the transaction is looked up.",
                  action="commit unclear", outcome=Outcome.UNCLEAR)  # fmt: skip
    identity = Identity(**rollback.identity) if rollback.identity else None
    after = str(rollback.rehearsal.get("fingerprint_after", ""))
    try:
        where = database(rollback.database.name).target()
        found = resolution.resolve(where, order(rollback), identity, after=after)
    except (NotConfigured, Unreachable, Error) as error:
        hold.wait(ASK_AGAIN, f"The database cannot be asked what became of the run: {error}")
        return
    facts = {**rollback.run, "resolved": asdict(found)}
    if found.verdict == resolution.COMMITTED:
        hold.move("verifying", found.sentence, action="commit found out", outcome=Outcome.DONE, run=facts)
    elif found.verdict == resolution.NOT_COMMITTED:
        rollback.run = facts
        _nothing(hold, "unchanged", found.sentence)
    else:
        said = f"{found.sentence} A person has to look; the database stays locked in the portal."
        hold.move("needs_attention", said, action="outcome unknown", outcome=Outcome.UNCLEAR, run=facts)


def verify(hold: Hold) -> None:
    """A new connection looks: the history rows are gone and the schema is the rehearsed one."""
    rollback = hold.rollback
    try:
        configured = database(rollback.database.name)
        where = configured.target()
        with target.connect(where, f"verification {rollback.pk}", settings=SESSION) as connection:
            standing = {row.id for row in history.read(connection, where.schema)}
            schema = catalog.read(connection, configured.all_schemas()).fingerprint
    except (NotConfigured, Unreachable, Error) as error:
        hold.wait(ASK_AGAIN, f"Committed; the database cannot be looked at yet: {error}")
        return
    rows = [each.name for each in order(rollback).rows if each.id in standing]
    same = schema == rollback.rehearsal.get("fingerprint_after")
    verified = {"rows_standing": rows, "schema_as_rehearsed": same}
    if rows or not same:
        what = f"the history row of {rows[0]} still stands" if rows else "the schema is not the rehearsed one"
        said = f"Committed, but {what}. Somebody may have deployed since; a person has to look."
        hold.move("needs_attention", said, action="verified", outcome=Outcome.UNCLEAR, verified=verified)
        return
    names = ", ".join(rollback.chosen)
    hold.move(
        "done",
        f"{names} rolled back: the history rows are gone and the schema is the rehearsed one.",
        action="rolled back", outcome=Outcome.DONE, verified=verified, ended_at=timezone.now(),
        before={"history": rollback.run.get("deleted", [])},
    )  # fmt: skip


SESSION = ("default_transaction_read_only=on", "statement_timeout=60s")
