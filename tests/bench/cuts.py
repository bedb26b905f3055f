"""`make wizard-faults`: break a run of the wizard in every way there is, and judge what is left.

After each fault the database has to be exactly as before or exactly as rehearsed, the resolution has to say
which, and no lock may stay. `--without` takes one protection out, which has to turn the result red.
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
from dbtools.execution.run_spec import Identity, NothingChanged, Order, Unclear
from dbtools.postgres.client import Target, Unreachable
from rollback_portal.processes.supervised import Problem
from tests.bench import deaths, mutants
from tests.bench.own import NotHere, Own, disk, server
from tests.bench.table import say, table
from tests.dbtools.execution.cut_connections import WAYS, proxy
from tests.dbtools.execution.small_database import (
    DOWN,
    State,
    Witness,
    ended,
    fill,
    locks_after,
    order,
    refill,
    state,
)

LONGEST_LOCK = 2.0  # seconds that a lock may outlive its worker


@dataclass(slots=True)
class Tally:
    """What came out of one kind of fault."""

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
    """One database, what stands in it before a run, and what the rehearsal found after it."""

    where: Target
    after: State
    random: Random
    _beginning: tuple[Order, State] | None = None

    def beginning(self, statements: tuple[str, ...] = DOWN) -> tuple[Order, State]:
        """The order as it would be approved now, and the state now; read anew after every change."""
        if self._beginning is None:
            self._beginning = order(self.where), state(self.where)
        told, before = self._beginning
        return replace(told, statements=statements), before

    def judge(self, tally: Tally, what: str, told: Order, before: State, identity: Identity | None) -> None:
        """Compare the verdict with what really stands, and put everything back."""
        left = locks_after(self.where, told.id, LONGEST_LOCK)
        if left:
            tally.locks.append(f"{what}: {left[0][1]} after {LONGEST_LOCK:.0f} s")
        found = commit_outcome.resolve(self.where, told, identity, after=self.after.schema, seconds=20)
        stands = state(self.where)
        truth = {before: NOT_COMMITTED, self.after: COMMITTED}.get(stands, "neither before nor after")
        if found.verdict == COMMITTED:
            tally.committed += 1
        elif found.verdict == NOT_COMMITTED:
            tally.undone += 1
        else:
            tally.open += 1
        if found.verdict != truth:
            tally.wrong.append(f"{what}: {truth}, but the verdict is {found.verdict}. {found.message}")
        if stands != before:
            refill(self.where)
            self._beginning = None


def cut_commits(setting: Setting, count: int) -> Tally:
    tally = Tally("connection cut at COMMIT")
    with proxy(setting.where) as between:
        for number in range(count):
            way = WAYS[number % len(WAYS)]

            def arm(word: str, way: str = way) -> None:
                if word == "committing":
                    between.way = way

            (told, before), watch = setting.beginning(), Witness(arm)
            try:
                runner.run(between.target, told, watch)
            except Unclear:
                pass
            else:
                tally.wrong.append(f"cut {way}: the run says that it was committed")
            setting.judge(tally, f"cut {way}", told, before, watch.identity)
    return tally


def restarts(own: Own, setting: Setting, count: int) -> Tally:
    """The server ends at a word or a little later, as with a power cut, and comes back."""
    tally = Tally("server restarted at once")
    words = ("began", "ran 1", "ran 2", "ran 3", "deleted", "committing")
    for number in range(count):
        word, later = words[number // 2 % len(words)], setting.random.random() * 0.05 * (number % 2)
        ending: list[Timer] = []

        def end(said: str, word: str = word, later: float = later, ending: list[Timer] = ending) -> None:
            if said == word and later:
                ending.append(Timer(later, own.end_at_once))
                ending[0].start()
            elif said == word:
                own.end_at_once()

        (told, before), watch = setting.beginning(), Witness(end)
        with suppress(NothingChanged, Unclear, Unreachable):
            runner.run(setting.where, told, watch)
        for timer in ending:
            timer.join()
        own.begin()
        what = f"restarted {later * 1000:.0f} ms after {word}"
        setting.judge(tally, what, told, before, watch.identity)
    return tally


def main() -> int:
    """0: everything held; 1: something did not, and this says what."""
    given = arguments()
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda *_: sys.exit(1))  # so that everything is stopped on the way out
    began = time.monotonic()
    with mutants.without(given.without):
        tallies = measure(given)
    tallies = [tally for tally in tallies if tally.count or tally.skipped]
    table(HEAD, [tally.row() for tally in tallies])
    for tally in tallies:
        if tally.skipped:
            say(f"SKIPPED: {tally.name}: {tally.skipped}")
        for line in (*tally.wrong[:5], *tally.locks[:5]):
            say(f"  {tally.name}: {line}")
    say(f"{time.monotonic() - began:.0f} s, seed {given.seed}.")
    return 0 if tallies and all(tally.good for tally in tallies) else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make wizard-faults", description=__doc__)
    parser.add_argument("--cuts", type=int, default=300)
    parser.add_argument("--kills", type=int, default=200, help="kills at random points")
    parser.add_argument("--boundaries", type=int, default=2, help="kills at each statement boundary")
    parser.add_argument("--restarts", type=int, default=24)
    parser.add_argument("--full", type=int, default=6, help="runs that fill the disk")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--without", choices=sorted(mutants.ALL), help="take one protection out")
    return parser.parse_args()


def measure(given: argparse.Namespace) -> list[Tally]:
    runner.PAUSE = (0.05, 0.1)
    with tempfile.TemporaryDirectory() as folder, server(Path(folder) / "server") as own:
        fill(own.where)
        setting = Setting(own.where, ended(own.where), Random(given.seed))
        tallies = [
            cut_commits(setting, given.cuts),
            deaths.at_boundaries(
                setting, given.boundaries, Tally("kill -9 at a statement boundary"), Path(folder)
            ),
            deaths.at_random(setting, given.kills, Tally("kill -9 at a random point"), Path(folder)),
            deaths.in_a_statement(setting, Tally("kill -9 in a long statement"), Path(folder)),
            restarts(own, setting, given.restarts),
        ]
    return [*tallies, full_disk(given.full)]


def full_disk(count: int) -> Tally:
    tally = Tally("disk full")
    with tempfile.TemporaryDirectory() as folder:
        try:
            with disk(Path(folder)) as small, server(small / "server") as own:
                fill(own.where)
                setting = Setting(own.where, ended(own.where), Random(0))
                deaths.on_a_full_disk(own, setting, count, tally, small)
        except NotHere as why:
            tally.skipped = str(why)
    return tally


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Problem as problem:
        say(str(problem))
        sys.exit(1)
