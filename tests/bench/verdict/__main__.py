"""`python -m tests.bench.verdict`, which is what `make bench-verdict` does: is the verdict right, how soon?

Simulated operations are judged for an hour each by the portal's test and by a fixed threshold, and labelled
replays are asked whether a deployment is to blame. The exit code is 1 if a bound is missed.
`--without-correction` gives each interval a test of the full level, which is what looking again and again
does; it has to end with 1.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing import get_context

from deployments.analysis.statistics.sequential import STANDARD, TestPlan
from tests.bench.table import say, table
from tests.bench.verdict.judged import Judged, judge_one
from tests.bench.verdict.replays import Replayed, replay
from tests.bench.verdict.report import Bound, bounds, print_blame, print_series

UNLIMITED = 300.0  # natural logarithm: one interval may say whatever its numbers say
WITHOUT_CORRECTION = replace(
    STANDARD, spread_over_starts=False, most_gain_recovered=UNLIMITED, most_gain_harm=UNLIMITED,
    recovered_level=0.01, harm_level=0.02,
)  # fmt: skip


def main() -> int:
    """Return 0 if every bound is kept, else 1."""
    args = arguments()
    plan = WITHOUT_CORRECTION if args.without_correction else STANDARD
    say(f"{args.number:,} series, 2 x {args.replays} replays, seed {args.seed}, {args.workers} processes")
    began = time.monotonic()
    both = measure(args.number, args.seed, plan, args.workers)
    own, fixed = [one for one, _ in both], [one for _, one in both]
    replayed = replays(args.replays, args.seed, args.workers)
    print_series("The portal" + (" WITHOUT the correction" if args.without_correction else ""), own)
    print_series("A fixed threshold of 1% over 5 min, on the same points", fixed)
    print_blame(replayed)
    found = bounds(own, replayed)
    show(found)
    say(f"{time.monotonic() - began:.0f} s. The same again: --seed {args.seed}")
    return 0 if all(bound.kept for bound in found) else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-verdict", description=__doc__)
    parser.add_argument("--number", type=int, default=10_000, help="how many series (default: 10,000)")
    parser.add_argument("--replays", type=int, default=300, help="of each kind (300)")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other series")
    parser.add_argument("--workers", type=int, default=min(os.cpu_count() or 1, 2), help="processes")
    parser.add_argument("--without-correction", action="store_true", help="show that the bench can fail")
    return parser.parse_args()


def measure(number: int, seed: int, plan: TestPlan, workers: int) -> list[tuple[Judged, Judged]]:
    """Judge series 0 to `number` of a seed: by the portal's test, and by the fixed threshold."""
    wanted = [(seed, each, plan) for each in range(number)]
    with get_context("spawn").Pool(workers) as pool:
        return pool.starmap(judge_one, wanted, chunksize=25)


def replays(number: int, seed: int, workers: int) -> list[Replayed]:
    wanted = [(seed, each, to_blame) for to_blame in (True, False) for each in range(number)]
    with get_context("spawn").Pool(workers) as pool:
        return pool.starmap(replay, wanted, chunksize=10)


def show(found: Sequence[Bound]) -> None:
    rows = [[one.name, one.measured, one.wanted, "kept" if one.kept else "MISSED"] for one in found]
    table(["bound", "measured", "wanted", ""], rows)


if __name__ == "__main__":
    sys.exit(main())
