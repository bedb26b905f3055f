"""`make wrong-downs`: rehearses a thousand wrong down scripts and counts how many are caught."""

from __future__ import annotations

import argparse
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from dbtools.postgres import client
from dbtools.postgres.client import SQL, DatabaseAddress, Identifier
from dbtools.rehearsal import MigrationSql, RehearsalReport
from rollback_portal.local import throwaway
from tests.bench.table import say
from tests.dbtools.rehearsal.right_downs import BASE, ROWS
from tests.dbtools.rehearsal.small_project import Project, project
from tests.dbtools.rehearsal.wrong_downs import Mutant, Pair, caught, mutants, pairs, text

MOST_OF_A_PAIR = 40


def main() -> int:
    """Return 0 if exactly the wrong ones were caught, else 1."""
    args = arguments()
    began, seeded = time.monotonic(), random.Random(args.seed)
    server = client.parse(throwaway.throwaway_postgres(throwaway.temporary_folder())).with_database(
        "postgres"
    )
    seen: Counter[tuple[str, bool]] = Counter()
    how: Counter[str] = Counter()
    wrong = []
    made = pairs(seeded)
    with ThreadPoolExecutor(args.workers) as pool:
        while seen["wrong", True] + seen["wrong", False] < args.number:
            lots = [(pair, mutants(pair, seeded)[:MOST_OF_A_PAIR]) for pair in islice(made, args.workers)]
            for results in pool.map(lambda lot: list(rehearse(server, *lot)), lots):
                for mutant, report, was_caught in results:
                    seen[mutant.kind, was_caught] += 1
                    how[_how(mutant, report)] += 1
                    if was_caught != (mutant.kind != "neutral"):
                        wrong.append(f"{mutant.kind}, {mutant.how}: {report.message}")
            say(f"{sum(seen.values()):,} rehearsed, {len(wrong)} misjudged, {time.monotonic() - began:.0f} s")
    for kind in ("wrong", "data", "neutral"):
        say(f"{kind:8} caught {seen[kind, True]:5,} of {seen[kind, True] + seen[kind, False]:5,}")
    for name, number in how.most_common():
        say(f"  {number:5,}  {name}")
    for line in wrong:
        say(line)
    say(f"Seed {args.seed}, {time.monotonic() - began:.0f} s.")
    return 1 if wrong else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make wrong-downs", description=__doc__)
    parser.add_argument("--number", type=int, default=1_000, help="how many wrong scripts (default: 1,000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other scripts")
    parser.add_argument("--workers", type=int, default=2, help="rehearsals at a time")
    return parser.parse_args()


def rehearse(
    server: DatabaseAddress, pair: Pair, wrong: list[Mutant]
) -> Iterator[tuple[Mutant, RehearsalReport, bool]]:
    """Rehearse the correct script first, which has to pass, and then the wrong ones."""
    with migrated(server, pair) as made:
        right = made.rehearse(text(pair.down))
        if not right.passed:
            raise SystemExit(f"The right script does not pass: {right.message}\n{text(pair.down)}")
        for mutant in wrong:
            report = made.rehearse(mutant.down)
            yield mutant, report, caught(mutant, report, right)


@contextmanager
def migrated(server: DatabaseAddress, pair: Pair) -> Iterator[Project]:
    name = f"wrong_{secrets.token_hex(6)}"
    with client.connect(server, "wrong downs", autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))
    try:
        with TemporaryDirectory() as folder:
            yield project(
                server.with_database(name), Path(folder), [MigrationSql("1_base", BASE + ROWS)], [pair.up]
            )
    finally:
        with client.connect(server, "wrong downs", autocommit=True) as connection:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def _how(mutant: Mutant, report: RehearsalReport) -> str:
    """The first check that failed."""
    stopped = next((check.name for check in report.checks if check.tone == "stop"), "")
    return stopped or ("told in numbers" if mutant.kind == "data" else "passed")


if __name__ == "__main__":
    sys.exit(main())
