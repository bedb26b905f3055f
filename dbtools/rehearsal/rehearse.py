"""Runs a rehearsal on the restored backup: down, up again, and down a second time.

A failed check ends the rehearsal with a report that says so. Exceptions are raised only if the rehearsal
cannot take place: no server, a damaged backup, or a cancel.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from dbtools.execution.run_spec import (
    CommittedRun,
    CommitUnknown,
    ExecutedStatement,
    NothingChanged,
    PartiallyApplied,
)
from dbtools.postgres import backups, client
from dbtools.postgres.backups.required_extensions import extensions
from dbtools.postgres.client import DatabaseAddress, DatabaseUnreachable, Error
from dbtools.postgres.dump import DumpFailed, dump_schema, with_extensions_of
from dbtools.postgres.programs import ProgramStopped
from dbtools.postgres.scratch import ScratchServer, ScratchUnavailable
from dbtools.postgres.state import SchemaChange, change
from dbtools.rehearsal import verdicts
from dbtools.rehearsal.apply_migrations import MigrationFailed, apply, restore_history_rows
from dbtools.rehearsal.differences.attribute_checks import not_compared
from dbtools.rehearsal.differences.attributes import Attributes
from dbtools.rehearsal.differences.comparison import CopyComparison
from dbtools.rehearsal.differences.original_rights import put_on_copy
from dbtools.rehearsal.expected_schema import Expected, expect
from dbtools.rehearsal.lock_observer import LockObserver
from dbtools.rehearsal.progress import RehearsalMeter, RehearsalProgress
from dbtools.rehearsal.report import (
    OK,
    STOP,
    WARN,
    RehearsalCheck,
    RehearsalReport,
    RehearsedStatement,
    TableLock,
)
from dbtools.rehearsal.request import Execute, Fingerprint, RehearsalRequest
from dbtools.rehearsal.restored_copy import restore
from dbtools.rehearsal.verdicts import UNKNOWN, SchemaJudge
from dbtools.sql.isolated import conditional_creations
from rollback_portal.text import one_line

RUN_ERRORS = (NothingChanged, PartiallyApplied, CommitUnknown, DatabaseUnreachable, Error)


def rehearse(
    request: RehearsalRequest,
    scratch: ScratchServer,
    execute: Execute,
    fingerprint: Fingerprint,
    *,
    progress: Callable[[RehearsalProgress], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> RehearsalReport:
    """Run the rehearsal.

    Args:
        execute: runs the script exactly as the real run does.
        fingerprint: returns the fingerprint of the application's schema in a database.
        progress: called at the beginning of each step, and while the backup is restored.

    Raises:
        backups.BackupUnusable: the backup is damaged or cannot be restored.
        ScratchUnavailable: the server for rehearsals cannot be used.
        programs.ProgramStopped: `stop` returned true.
    """
    path = Path(request.backup)
    backups.verify(path, request.sha256, request.bytes)
    missing = scratch.lacks(extensions(path, scratch.programs))
    if missing:
        raise ScratchUnavailable(missing)
    with scratch.database() as address:
        try:
            return _Rehearsal(request, scratch, address, execute, fingerprint, progress, stop).report()
        except DumpFailed as error:
            raise ScratchUnavailable(str(error)) from None


class _Rehearsal:
    """One rehearsal on one restored database; collects the results."""

    def __init__(
        self, request: RehearsalRequest, scratch: ScratchServer, address: DatabaseAddress,
        execute: Execute, fingerprint: Fingerprint, progress: Callable[[RehearsalProgress], None],
        stop: Callable[[], bool],
    ) -> None:  # fmt: skip
        self.request, self.scratch, self.address = request, scratch, address
        self.execute, self.fingerprint, self.stop = execute, fingerprint, stop
        self.meter = RehearsalMeter(progress, request.bytes)
        self.judge = SchemaJudge(scratch)
        self.checks: list[RehearsalCheck] = []
        self.verdict = UNKNOWN
        self.change: SchemaChange | None = None
        self.done: CommittedRun | None = None
        self.locks: tuple[TableLock, ...] = ()
        self.restore_seconds = 0.0
        self.comparison: CopyComparison

    def report(self) -> RehearsalReport:
        began = time.monotonic()
        self.run_steps()
        passed = all(check.tone != STOP for check in self.checks)
        request, done, compared = self.request, self.done, self.comparison
        steps = (
            RehearsedStatement(ran.number, request.statements[ran.number - 1], ran.rows, ran.seconds)
            for ran in _executed(done)
        )
        return RehearsalReport(
            passed=passed,
            message=_sentence(self.checks),
            verdict=self.verdict,
            checks=tuple(self.checks),
            ran=tuple(steps),
            counts=compared.counts,
            losses=compared.losses,
            lose=tuple(loss.message for loss in compared.losses),
            locks=self.locks,
            seconds=done.seconds if done else 0.0,
            restore_seconds=self.restore_seconds,
            comparison_seconds=compared.seconds,
            total_seconds=time.monotonic() - began,
            change=self.change,
            backup_sha256=request.sha256,
            script_sha256=request.script_sha256,
            server=f"PostgreSQL {self.scratch.major}",
        ).sealed()

    def run_steps(self) -> None:
        """Restore the backup twice: one copy is run on, the other shows what was there before."""
        self.restore()
        self.begin("The restored rows are counted.")
        began = time.monotonic()
        with self.scratch.database(self.address.database) as untouched:
            self.comparison = CopyComparison(untouched, self.address, self.request.original, self.stop)
            self.comparison.seconds = time.monotonic() - began  # the second copy is a part of its price
            self.checks.append(self.check_row_counts(self.comparison.begin()))
            if self.checks[-1].tone != STOP:
                expected, again = self.down_and_up()
                self.checks += self.comparison.check_attributes(expected, again)

    def down_and_up(self) -> tuple[Attributes | None, Attributes | None]:
        """Run the steps until one fails.

        Returns:
            The attributes that the migrations before produce, and those after up again; None if unknown.
        """
        before = self.schema("The schema is read.")
        if not self.down():
            return None, None
        after = self.schema("The schema afterwards is read.")
        expected = self.expected(before)
        wanted = expected.before and with_extensions_of(expected.before, after, self.perhaps_older())
        self.verdict, check = self.judge.after_down(after, wanted, expected.drift, expected.why_unknown)
        self.checks.append(check)
        self.keep_change()
        if check.tone == STOP or not self.up(before, expected.produced):
            return expected.attributes, None
        self.begin("What came back is compared.")
        self.checks.append(self.comparison.after_up())
        again = self.comparison.attributes(self.address)
        self.down_again(after)
        return expected.attributes, again

    def restore(self) -> None:
        """Restore the backup, with what pg_restore leaves out."""
        self.begin("The backup is restored.")
        path = Path(self.request.backup)
        copy = restore(self.address, path, self.scratch, on_read=self.meter.read, stop=self.stop)
        self.restore_seconds = copy.seconds
        if copy.event_triggers:
            names = ", ".join(copy.event_triggers)
            message = f"The copy lacks the event trigger {names}: only a superuser can make it."
            self.checks.append(RehearsalCheck("Left out", WARN, message))
        missing = put_on_copy(self.address, self.request.original)
        if missing:
            self.checks.append(not_compared(missing))
        with client.connect(self.address, "rehearsal", autocommit=True) as connection:
            connection.execute("ANALYZE")  # otherwise its query plans differ from the real database

    def check_row_counts(self, rows: dict[str, int]) -> RehearsalCheck:
        taken = dict(self.request.rows)
        wrong = sorted(name for name in {*taken, *rows} if taken.get(name) != rows.get(name))
        if wrong:
            name = wrong[0]
            now, before = rows.get(name, 0), taken.get(name, 0)
            message = (
                f"{name} has {now:,} rows after the restore and had {before:,} in the backup's snapshot."
            )
            return RehearsalCheck("Restore", STOP, message)
        message = f"The backup restores completely: {sum(rows.values()):,} rows in {len(rows)} tables"
        return RehearsalCheck("Restore", OK, f"{message}, {self.restore_seconds:.1f} s.")

    def down(self) -> bool:
        """Run the SQL for the first time; measure its locks, its duration and what is lost."""
        self.begin("The SQL runs.")
        observer = LockObserver(self.address)
        try:
            self.done = self.execute(self.address, observer, self.fingerprint(self.address))
            self.locks = observer.held()
        except RUN_ERRORS as error:
            self.checks.append(
                RehearsalCheck(
                    "Down", STOP, f"The SQL does not run on the restored backup: {one_line(error)}"
                )
            )
            return False
        finally:
            observer.close()
        self.checks.append(
            RehearsalCheck(
                "Down", OK, f"The SQL runs: {len(self.done.ran)} statements in {self.done.seconds:.1f} s."
            )
        )
        self.begin("What is lost is counted, and every row compared.")
        self.checks += self.comparison.after_down(self.request.since)
        return True

    def keep_change(self) -> None:
        """Keep what the run changed: the real run has to change the same."""
        if self.done is not None and self.done.before is not None and self.done.after is not None:
            self.change = change(self.done.before, self.done.after)

    def schema(self, message: str) -> str:
        self.begin(message)
        return dump_schema(self.address, self.scratch.programs)

    def expected(self, before: str) -> Expected:
        self.begin("The migrations are replayed on an empty database.")
        read = self.comparison.attributes
        return expect(self.request, self.scratch, self.judge, before, self.stop, read)

    def perhaps_older(self) -> set[str]:
        """The extensions that the migrations make only where they do not stand: the SQL may leave them."""
        made = (found for migration in self.request.going for found in conditional_creations(migration.sql))
        return {found.name for found in made if found.kind == "extension"}

    def up(self, before: str, produced: str | None) -> bool:
        """Apply the migrations again and compare the schema with the backup's."""
        self.begin("The migrations are applied again.")
        try:
            apply(self.address, self.request.going, self.request.schema, scratch=self.scratch, stop=self.stop)
        except MigrationFailed as error:
            self.checks.append(
                RehearsalCheck(verdicts.AFTER_UP, STOP, f"The migrations do not apply again: {error}")
            )
            return False
        check = self.judge.after_up(self.schema("The schema is read again."), before, produced)
        self.checks.append(check)
        return check.tone != STOP

    def down_again(self, first: str) -> None:
        self.begin("The SQL runs a second time.")
        observer = LockObserver(self.address)
        try:
            restore_history_rows(self.address, self.request.schema, self.done.deleted if self.done else ())
            self.execute(self.address, observer, self.fingerprint(self.address))
        except RUN_ERRORS as error:
            self.checks.append(
                RehearsalCheck(
                    verdicts.AFTER_SECOND_DOWN, STOP, f"The SQL does not run a second time: {one_line(error)}"
                )
            )
            return
        finally:
            observer.close()
        self.checks.append(
            self.judge.after_second_down(self.schema("The schema is read a last time."), first)
        )

    def begin(self, message: str) -> None:
        if self.stop():
            raise ProgramStopped
        self.meter.begin(message)


def _executed(done: CommittedRun | None) -> tuple[ExecutedStatement, ...]:
    return done.ran if done else ()


def _sentence(checks: Sequence[RehearsalCheck]) -> str:
    """The first failure; otherwise that it works, and what was left open."""
    stops = [check.message for check in checks if check.tone == STOP]
    left_open = [check.message for check in checks if check.tone == WARN]
    return (
        stops[0] if stops else " ".join(["Down, up and down again work on the restored backup.", *left_open])
    )
