"""`make wrong-downs`: rehearses two thousand wrong down scripts, and right ones beside them, and counts.

Each wrong script has to be stopped, or named with the right count; each right one has to be accepted.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress
from dbtools.rehearsal import MigrationSql, RehearsalReport
from rollback_portal.local import throwaway
from tests.bench.right_downs import by_hand, drafted, new_database, why_refused
from tests.bench.table import say, table
from tests.dbtools.rehearsal.right_downs import BASE, BESIDE, ROLES, ROWS
from tests.dbtools.rehearsal.small_project import project
from tests.dbtools.rehearsal.wrong_downs import Mutant, Pair, caught, mutants, pairs, text

MOST_OF_A_PAIR = 60
WRONG = {"wrong": "another schema", "data": "rows lost or values written"}


class Tally:
    """How many scripts of each kind there were, and how many were judged as they have to be."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.seen: Counter[str] = Counter()
        self.good: Counter[str] = Counter()
        self.stopped: Counter[str] = Counter()
        self.misjudged: list[str] = []
        self.wrong = 0

    def add(self, kind: str, good: bool, stopped: bool, misjudged: str) -> None:
        self.seen[kind] += 1
        self.good[kind] += good
        self.stopped[kind] += stopped
        if not good:
            self.misjudged.append(f"{kind}, {misjudged}")

    def progress(self) -> None:
        seconds = time.monotonic() - self.began
        say(f"{self.seen.total():,} rehearsed, {len(self.misjudged)} misjudged, {seconds:.0f} s")

    def print(self) -> None:
        rows = [
            [kind, f"{number:,}", f"{self.stopped[kind]:,}", f"{self.good[kind]:,}"]
            for kind, number in sorted(self.seen.items())
        ]
        table(["scripts", "number", "stopped", "as it has to be"], rows)
        for line in self.misjudged:
            say(line)


def main() -> int:
    """Return 0 if exactly the wrong ones were caught, else 1."""
    args = arguments()
    server = client.parse(
        args.server or throwaway.throwaway_postgres(throwaway.temporary_folder(in_memory=True))
    )
    server = server.with_database("postgres")
    with client.connect(server, "wrong downs", autocommit=True) as connection:
        connection.execute(ROLES.encode())
        major = connection.info.server_version // 10_000
    tally = Tally()
    with ThreadPoolExecutor(args.workers) as pool:
        if not args.only_wrong:
            judge_right(server, pool, tally)
        judge_wrong(server, pool, tally, args)
    tally.print()
    say(f"{tally.wrong:,} wrong scripts. PostgreSQL {major}, seed {args.seed}.")
    return 1 if tally.misjudged else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make wrong-downs", description=__doc__)
    parser.add_argument("--number", type=int, default=2_000, help="how many wrong scripts (default: 2,000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other scripts")
    parser.add_argument("--workers", type=int, default=2, help="rehearsals at a time")
    parser.add_argument("--server", default="", help="another server's address, as a superuser")
    parser.add_argument("--only-wrong", action="store_true", help="leave the right scripts out")
    return parser.parse_args()


def judge_right(server: DatabaseAddress, pool: ThreadPoolExecutor, tally: Tally) -> None:
    scripts = list(chain(by_hand(), drafted(server)))
    for script, why in zip(scripts, pool.map(lambda each: why_refused(server, each), scripts), strict=True):
        tally.add(f"right, {script.how}", not why, bool(why), f"{script.name}: {why}")
    tally.progress()


def judge_wrong(
    server: DatabaseAddress, pool: ThreadPoolExecutor, tally: Tally, args: argparse.Namespace
) -> None:
    seeded = random.Random(args.seed)
    made = pairs(seeded)
    while tally.wrong < args.number:
        lots = [(pair, mutants(pair, seeded)[:MOST_OF_A_PAIR]) for pair in islice(made, args.workers)]
        for results in pool.map(lambda lot: list(rehearse(server, *lot)), lots):
            for mutant, report, was_caught in results:
                is_wrong = mutant.kind != "neutral"
                kind = WRONG.get(mutant.kind, mutant.what) if is_wrong else "right, changed without effect"
                tally.wrong += is_wrong
                misjudged = f"{mutant.how}: {report.message}"
                tally.add(kind, was_caught == is_wrong, not report.passed, misjudged)
        tally.progress()


def rehearse(
    server: DatabaseAddress, pair: Pair, wrong: list[Mutant]
) -> Iterator[tuple[Mutant, RehearsalReport, bool]]:
    """Rehearse the correct script first, which has to pass, and then the wrong ones."""
    base = [MigrationSql("1_base", BASE + ROWS)]
    with new_database(server) as address, TemporaryDirectory() as folder:
        made = project(address, Path(folder), base, [pair.up], BESIDE)
        right = made.rehearse(text(pair.down))
        if not right.passed:
            raise SystemExit(f"The right script does not pass: {right.message}\n{text(pair.down)}")
        for mutant in wrong:
            report = made.rehearse(mutant.down)
            yield mutant, report, caught(mutant, report, right)


if __name__ == "__main__":
    sys.exit(main())
