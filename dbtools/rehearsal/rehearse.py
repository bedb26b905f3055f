"""Down, up, down: the walk of a rehearsal, on the restored backup.

What does not hold ends the walk with a report that says so; only what keeps the rehearsal from being held at
all (no server, a damaged backup, somebody who stops it) is raised.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from dbtools.execution.run_spec import Done, Escaped, NothingChanged, Ran, Unclear
from dbtools.postgres import backups, client
from dbtools.postgres.backups.required_extensions import extensions
from dbtools.postgres.client import Error, Target, Unreachable
from dbtools.postgres.dump import NotDumped, dump_schema
from dbtools.postgres.programs import Stopped
from dbtools.postgres.scratch import NoScratch, Scratch
from dbtools.rehearsal import row_checks, verdicts
from dbtools.rehearsal.apply_migrations import NotReplayed, apply, put_back
from dbtools.rehearsal.expected_schema import Expected, expect
from dbtools.rehearsal.lock_observer import Observer
from dbtools.rehearsal.report import OK, STOP, WARN, Check, Counted, Held, Loss, Report, Step
from dbtools.rehearsal.request import Execute, Fingerprint, Task
from dbtools.rehearsal.row_digests import Table, counted, lost, measure
from dbtools.rehearsal.verdicts import UNKNOWN, Judge

BROKE_OFF = (NothingChanged, Escaped, Unclear, Unreachable, Error)


def rehearse(
    task: Task,
    scratch: Scratch,
    execute: Execute,
    fingerprint: Fingerprint,
    *,
    progress: Callable[[str], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Hold the rehearsal.

    Args:
        execute: runs the script exactly as the run itself will.
        fingerprint: of the application's schema in a database.
        progress: told what is being done, in words.

    Raises:
        backups.NotUsable: the backup is damaged or cannot be restored.
        NoScratch: the server for rehearsals does not serve.
        programs.Stopped: `stop` said so.
    """
    path = Path(task.backup)
    backups.verify(path, task.sha256, task.bytes)
    why = scratch.lacks(extensions(path, scratch.programs))
    if why:
        raise NoScratch(why)
    with scratch.database() as where:
        try:
            return _Walk(task, scratch, where, execute, fingerprint, progress, stop).report()
        except NotDumped as error:
            raise NoScratch(str(error)) from None


class _Walk:
    """One rehearsal on one restored database; collects what it finds."""

    def __init__(
        self, task: Task, scratch: Scratch, where: Target, execute: Execute, fingerprint: Fingerprint,
        progress: Callable[[str], None], stop: Callable[[], bool],
    ) -> None:  # fmt: skip
        self.task, self.scratch, self.where = task, scratch, where
        self.execute, self.fingerprint, self.progress, self.stop = execute, fingerprint, progress, stop
        self.judge = Judge(scratch)
        self.checks: list[Check] = []
        self.verdict, self.fingerprint_after = UNKNOWN, ""
        self.done: Done | None = None
        self.counts: tuple[Counted, ...] = ()
        self.losses: tuple[Loss, ...] = ()
        self.locks: tuple[Held, ...] = ()
        self.restore_seconds = 0.0

    def report(self) -> Report:
        began = time.monotonic()
        self.walk()
        passed = all(check.tone != STOP for check in self.checks)
        task, done = self.task, self.done
        steps = (
            Step(ran.number, task.statements[ran.number - 1], ran.rows, ran.seconds) for ran in _ran(done)
        )
        return Report(
            passed=passed,
            message=_sentence(self.checks),
            verdict=self.verdict,
            checks=tuple(self.checks),
            ran=tuple(steps),
            counts=self.counts,
            losses=self.losses,
            lose=tuple(loss.message for loss in self.losses),
            locks=self.locks,
            seconds=done.seconds if done else 0.0,
            restore_seconds=self.restore_seconds,
            total_seconds=time.monotonic() - began,
            fingerprint_after=self.fingerprint_after,
            backup_sha256=task.sha256,
            script_sha256=task.script_sha256,
            server=f"PostgreSQL {self.scratch.major}",
        ).sealed()

    def walk(self) -> None:
        """Every step as long as the one before held."""
        values = self.restore()
        if self.checks[-1].tone == STOP:
            return
        before = self.schema("The schema is read.")
        if not self.down(values):
            return
        after = self.schema("The schema afterwards is read.")
        expected = self.expected(before)
        self.verdict, check = self.judge.afterwards(
            after, expected.before, expected.drift, expected.why_unknown
        )
        self.checks.append(check)
        if check.tone != STOP and self.up(before, expected.produced):
            self.at("What came back is counted.")
            self.checks.append(row_checks.round_trip(values, measure(self.where)))
            self.down_again(after)

    def restore(self) -> dict[int, Table]:
        """Restore this very backup and compare every table's rows with those of its snapshot."""
        self.at("The backup is restored.")
        self.restore_seconds = backups.restore(
            self.where, Path(self.task.backup), self.scratch.programs, stop=self.stop
        )
        self.at("The restored rows are counted.")
        with client.connect(self.where, "rehearsal", autocommit=True) as connection:
            connection.execute("ANALYZE")  # as on the real one, else its plans are others
        values = measure(self.where)
        self.checks.append(self.restored({table.name: table.rows for table in values.values()}))
        return values

    def restored(self, rows: dict[str, int]) -> Check:
        taken = dict(self.task.rows)
        wrong = sorted(name for name in {*taken, *rows} if taken.get(name) != rows.get(name))
        if wrong:
            name = wrong[0]
            there, then = rows.get(name, 0), taken.get(name, 0)
            said = f"{name} has {there:,} rows after the restore and had {then:,} in the backup's snapshot."
            return Check("Restore", STOP, said)
        said = f"The backup restores completely: {sum(rows.values()):,} rows in {len(rows)} tables"
        return Check("Restore", OK, f"{said}, {self.restore_seconds:.1f} s.")

    def down(self, values: dict[int, Table]) -> bool:
        """The first time: watched, timed and counted."""
        self.at("The SQL runs.")
        observer = Observer(self.where)
        try:
            self.done = self.execute(self.where, observer, self.fingerprint(self.where))
            self.locks = observer.held()
        except BROKE_OFF as error:
            self.checks.append(
                Check("Down", STOP, f"The SQL does not run on the restored backup: {_words(error)}")
            )
            return False
        finally:
            observer.close()
        self.checks.append(
            Check("Down", OK, f"The SQL runs: {len(self.done.ran)} statements in {self.done.seconds:.1f} s.")
        )
        self.fingerprint_after = self.fingerprint(self.where)
        self.at("What is lost is counted.")
        left = measure(self.where)
        self.counts = counted(values, left)
        self.losses = lost(values, left, self.task.since)
        self.checks += row_checks.changed(values, left)
        return True

    def schema(self, said: str) -> str:
        self.at(said)
        return dump_schema(self.where, self.scratch.programs)

    def expected(self, before: str) -> Expected:
        self.at("The migrations are replayed on an empty database.")
        return expect(self.task, self.scratch, self.judge, before, self.stop)

    def up(self, before: str, produced: str | None) -> bool:
        """The migrations that went apply again, and the schema is the one of the backup."""
        self.at("The migrations are applied again.")
        try:
            apply(self.where, self.task.going, self.task.schema, stop=self.stop)
        except NotReplayed as error:
            self.checks.append(Check(verdicts.AGAIN, STOP, f"The migrations do not apply again: {error}"))
            return False
        check = self.judge.again(self.schema("The schema is read again."), before, produced)
        self.checks.append(check)
        return check.tone != STOP

    def down_again(self, first: str) -> None:
        self.at("The SQL runs a second time.")
        observer = Observer(self.where)
        try:
            put_back(self.where, self.task.schema, self.done.deleted if self.done else ())
            self.execute(self.where, observer, self.fingerprint(self.where))
        except BROKE_OFF as error:
            self.checks.append(
                Check(verdicts.TWICE, STOP, f"The SQL does not run a second time: {_words(error)}")
            )
            return
        finally:
            observer.close()
        self.checks.append(self.judge.twice(self.schema("The schema is read a last time."), first))

    def at(self, said: str) -> None:
        if self.stop():
            raise Stopped
        self.progress(said)


def _ran(done: Done | None) -> tuple[Ran, ...]:
    return done.ran if done else ()


def _sentence(checks: Sequence[Check]) -> str:
    """What stops it; else that it works, and what was left open."""
    stops = [check.message for check in checks if check.tone == STOP]
    left_open = [check.message for check in checks if check.tone == WARN]
    return (
        stops[0] if stops else " ".join(["Down, up and down again work on the restored backup.", *left_open])
    )


def _words(error: Exception) -> str:
    return " ".join(str(error).split())
