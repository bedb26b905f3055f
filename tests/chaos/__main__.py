"""`python -m tests.chaos`, which is what `make chaos` does."""

from __future__ import annotations

import argparse
import os
import platform
import secrets
import shlex
import signal
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos import runs, selection, side_by_side, table
from tests.chaos.selection import Chosen
from tests.chaos.setting import make_template
from tests.seed import SEEDS, seed_of_this_commit

AT_ONCE = 3  # parallel runs on two cores; more of them would compete for the processors


def main() -> int:
    """Return 0 if the product held and every mutant was caught, else 1; the table shows which run failed."""
    args = arguments()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))
    seed = choose_seed(args)
    picked = choose_runs(args, seed)
    table.say(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine()}, seed {seed}\n")
    order = [(run.name, without) for run, without in picked]
    results, red = [], []
    with tempfile.TemporaryDirectory(prefix="chaos-", dir="/tmp", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        folder.chmod(0o711)
        make_template(folder)
        for played in side_by_side.play(picked, seed, folder, args.at_once):
            result = played.result
            if not table.row(result, must_be_red=bool(played.without) or played.run.red):
                red.append(repeat_command(seed, played.run.name))
                table.say(f"    again: {red[-1]}")
            results.append(result)
    table.show(sorted(results, key=lambda result: order.index((result["name"], result["without"]))))
    table.total(results)
    table.say("\n".join(["", *closing_lines(red)]))
    return 1 if red else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="seed of all random choices; random by default")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, metavar="RUNS", help="runs side by side")
    parser.add_argument("--seconds", type=float, help="length of the mixed run")
    parser.add_argument("--kills", type=int, default=0, help="end each run after this many faults")
    parser.add_argument("--merge", action="store_true", help="a selection for a merge; seed of the commit")
    parser.add_argument("--full", action="store_true", help="the whole matrix; takes a night")
    parser.add_argument("--only", action="append", default=[], metavar="RUN", help="only runs of this name")
    parser.add_argument(
        "--without", action="append", default=[], metavar="PART", choices=sorted(runs.FITTING)
    )
    parser.add_argument("--control", action="store_true", help="the mutants' plans, unchanged product")
    parser.add_argument("--baseline", action="store_true", help="only the usual Celery set-up")
    return parser.parse_args()


def choose_seed(args: argparse.Namespace) -> int:
    """Return the given seed, or the commit's seed for a merge, or a random one."""
    if args.seed is not None:
        return int(args.seed)
    return seed_of_this_commit() if args.merge else secrets.randbelow(SEEDS)


def choose_runs(args: argparse.Namespace, seed: int) -> Chosen:
    """Return the requested runs, each with the safety measure to remove from the product."""
    if args.baseline:
        found = [(runs.NAIVE, "")]
    elif args.control:
        names = args.without or runs.FITTING
        found = [(selection.control(name), "") for name in names]
    elif args.without:
        found = [selection.mutant(name) for name in args.without]
    else:
        found = everything(args, seed)
    if args.seconds:
        found = [(replace(run, seconds=args.seconds), without) for run, without in found]
    if args.kills:
        found = [(replace(run, most=args.kills), without) for run, without in found]
    return [(run, without) for run, without in found if not args.only or run.name in args.only]


def everything(args: argparse.Namespace, seed: int) -> Chosen:
    if args.merge:
        return selection.merge(seed)
    return selection.full() if args.full else selection.complete()


def repeat_command(seed: int, name: str) -> str:
    """Return the command that repeats only this run."""
    whole = argparse.ArgumentParser(add_help=False)
    for option in ("--seed", "--only"):
        whole.add_argument(option, action="append")
    _, kept = whole.parse_known_args()
    return f'make chaos ARGS="{shlex.join([*kept, "--seed", str(seed), "--only", name])}"'


def closing_lines(red: list[str]) -> list[str]:
    if not red:
        return ["Everything held."]
    return ["Not everything held: see the rows marked with “!”. Once more:", *red]


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
