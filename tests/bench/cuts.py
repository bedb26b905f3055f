"""`make wizard-faults`: breaks runs of the wizard in many ways and judges what is left.

After each fault the database has to be exactly as before or exactly as rehearsed, the commit outcome has to
say which, and no lock may remain. `--without` removes one protection, which has to make the result fail.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from threading import Timer

from dbtools.execution import commit_outcome, runner
from dbtools.execution.commit_outcome import COMMITTED, NOT_COMMITTED
from dbtools.execution.run_spec import CommitUnknown, Identity, NothingChanged, RunSpec
from dbtools.postgres.client import DatabaseAddress, DatabaseUnreachable
from rollback_portal.processes.supervised import CannotRun
from tests.bench import killed_workers, mutants
from tests.bench.scratch_server import NotHere, ScratchServer, disk, server
from tests.bench.table import say, table
from tests.dbtools.execution.cut_connections import WAYS, proxy
from tests.dbtools.execution.small_database import (
    DOWN,
    RecordingObserver,
    State,
    ended,
    fill,
    locks_after,
    refill,
    spec,
    state,
)

LONGEST_LOCK = 2.0  # seconds that a lock may outlive its worker


@dataclass(slots=True)
class Tally:
    """The results for one kind of fault."""

    name: str
    committed: int = 0
    undone: int = 0
    open: int = 0
    wrong: list[str] = field(default_factory=list)
    locks: list[str] = field(default_factory=list)
    skipped: str = ""

    @property
    def count(self) -> int:
        return self.committed + self.undone + self.open

    @property
    def good(self) -> bool:
        return not self.wrong and not self.locks

    def row(self) -> list[str]:
        if self.skipped:
            return [self.name, "skipped", "", "", "", "", ""]
        numbers = (self.count, self.committed, self.undone, self.open, len(self.wrong), len(self.locks))
        return [self.name, *(f"{number:,}" for number in numbers)]


HEAD = ("fault", "runs", "committed", "undone", "left open", "wrong", "locks > 2 s")


@dataclass(slots=True)
class Setting:
    """A database with its state before and after a run."""

    address: DatabaseAddress
    after: State
    random: Random
    _beginning: tuple[RunSpec, State] | None = None

    def beginning(self, statements: tuple[str, ...] = DOWN) -> tuple[RunSpec, State]:
        """The run as it would be approved now, and the current state; read again after every change."""
        if self._beginning is None:
            self._beginning = spec(self.address), state(self.address)
        approved, before = self._beginning
        return replace(approved, statements=statements), before

    def judge(
        self, tally: Tally, what: str, approved: RunSpec, before: State, identity: Identity | None
    ) -> None:
        """Compare the verdict with the real state, and restore everything."""
        left = locks_after(self.address, approved.id, LONGEST_LOCK)
        if left:
            tally.locks.append(f"{what}: {left[0][1]} after {LONGEST_LOCK:.0f} s")
        outcome = commit_outcome.find_outcome(
            self.address, approved, identity, after=self.after.schema, seconds=20
        )
        stands = state(self.address)
        truth = {before: NOT_COMMITTED, self.after: COMMITTED}.get(stands, "neither before nor after")
        if outcome.verdict == COMMITTED:
            tally.committed += 1
        elif outcome.verdict == NOT_COMMITTED:
            tally.undone += 1
        else:
            tally.open += 1
        if outcome.verdict != truth:
            tally.wrong.append(f"{what}: {truth}, but the verdict is {outcome.verdict}. {outcome.message}")
        if stands != before:
            refill(self.address)
            self._beginning = None


def cut_commits(setting: Setting, count: int) -> Tally:
    tally = Tally("connection cut at COMMIT")
    with proxy(setting.address) as between:
        for number in range(count):
            way = WAYS[number % len(WAYS)]

            def arm(event: str, way: str = way) -> None:
                if event == "committing":
                    between.way = way

            (approved, before), observer = setting.beginning(), RecordingObserver(arm)
            try:
                runner.run(between.address, approved, observer)
            except CommitUnknown:
                pass
            else:
                tally.wrong.append(f"cut {way}: the run says that it was committed")
            setting.judge(tally, f"cut {way}", approved, before, observer.identity)
    return tally


def restarts(scratch: ScratchServer, setting: Setting, count: int) -> Tally:
    """The server crashes at an event or a little later, and restarts."""
    tally = Tally("server restarted at once")
    events = ("began", "ran 1", "ran 2", "ran 3", "deleted", "committing")
    for number in range(count):
        event, later = events[number // 2 % len(events)], setting.random.random() * 0.05 * (number % 2)
        ending: list[Timer] = []

        def end(current: str, event: str = event, later: float = later, ending: list[Timer] = ending) -> None:
            if current == event and later:
                ending.append(Timer(later, scratch.crash))
                ending[0].start()
            elif current == event:
                scratch.crash()

        (approved, before), observer = setting.beginning(), RecordingObserver(end)
        with suppress(NothingChanged, CommitUnknown, DatabaseUnreachable):
            runner.run(setting.address, approved, observer)
        for timer in ending:
            timer.join()
        scratch.start_again()
        what = f"restarted {later * 1000:.0f} ms after {event}"
        setting.judge(tally, what, approved, before, observer.identity)
    return tally


def main() -> int:
    """Return 0 if everything held, else 1."""
    args = arguments()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))  # so that everything is stopped at exit
    began = time.monotonic()
    with mutants.without(args.without):
        tallies = measure(args)
    tallies = [tally for tally in tallies if tally.count or tally.skipped]
    table(HEAD, [tally.row() for tally in tallies])
    for tally in tallies:
        if tally.skipped:
            say(f"SKIPPED: {tally.name}: {tally.skipped}")
        for line in (*tally.wrong[:5], *tally.locks[:5]):
            say(f"  {tally.name}: {line}")
    say(f"{time.monotonic() - began:.0f} s, seed {args.seed}.")
    return 0 if tallies and all(tally.good for tally in tallies) else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make wizard-faults", description=__doc__)
    parser.add_argument("--cuts", type=int, default=300)
    parser.add_argument("--kills", type=int, default=200, help="kills at random points")
    parser.add_argument("--boundaries", type=int, default=2, help="kills at each statement boundary")
    parser.add_argument("--restarts", type=int, default=24)
    parser.add_argument("--full", type=int, default=6, help="runs that fill the disk")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--without", choices=sorted(mutants.ALL), help="remove one protection")
    return parser.parse_args()


def measure(args: argparse.Namespace) -> list[Tally]:
    runner.PAUSE = (0.05, 0.1)
    with tempfile.TemporaryDirectory() as folder, server(Path(folder) / "server") as scratch:
        fill(scratch.address)
        setting = Setting(scratch.address, ended(scratch.address), Random(args.seed))
        tallies = [
            cut_commits(setting, args.cuts),
            killed_workers.at_boundaries(
                setting, args.boundaries, Tally("kill -9 at a statement boundary"), Path(folder)
            ),
            killed_workers.at_random(setting, args.kills, Tally("kill -9 at a random point"), Path(folder)),
            killed_workers.in_a_statement(setting, Tally("kill -9 in a long statement"), Path(folder)),
            restarts(scratch, setting, args.restarts),
        ]
    return [*tallies, full_disk(args.full)]


def full_disk(count: int) -> Tally:
    tally = Tally("disk full")
    with tempfile.TemporaryDirectory() as folder:
        try:
            with disk(Path(folder)) as small, server(small / "server") as scratch:
                fill(scratch.address)
                setting = Setting(scratch.address, ended(scratch.address), Random(0))
                killed_workers.on_a_full_disk(scratch, setting, count, tally, small)
        except NotHere as why:
            tally.skipped = str(why)
    return tally


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CannotRun as problem:
        say(str(problem))
        sys.exit(1)
