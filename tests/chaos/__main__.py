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

AT_ONCE = 3  # runs side by side on two cores: more, and they wait for processors


def main() -> int:
    """0: the product held and every mutant was caught; 1: something did not, and the table says what."""
    given = arguments()
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda *_: sys.exit(1))
    seed = drawn(given)
    picked = chosen(given, seed)
    table.say(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine()}, seed {seed}\n")
    order = [(run.name, without) for run, without in picked]
    results, red = [], []
    with tempfile.TemporaryDirectory(prefix="chaos-", dir="/tmp", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        folder.chmod(0o711)
        make_template(folder)
        for played in side_by_side.play(picked, seed, folder, given.at_once):
            result = played.result
            if not table.row(result, must_be_red=bool(played.without) or played.run.red):
                red.append(again(seed, played.run.name))
                table.say(f"    again: {red[-1]}")
            results.append(result)
    table.show(sorted(results, key=lambda result: order.index((result["name"], result["without"]))))
    table.total(results)
    table.say("\n".join(["", *last_words(red)]))
    return 1 if red else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="what chance does; drawn where it is not given")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, metavar="RUNS", help="runs side by side")
    parser.add_argument("--seconds", type=float, help="length of the mixed run")
    parser.add_argument("--kills", type=int, default=0, help="end each run after so many faults")
    parser.add_argument("--merge", action="store_true", help="what fits before a merge; by the commit")
    parser.add_argument("--full", action="store_true", help="the numbers of the whole matrix; a night")
    parser.add_argument("--only", action="append", default=[], metavar="RUN", help="only runs of this name")
    parser.add_argument(
        "--without", action="append", default=[], metavar="PART", choices=sorted(runs.FITTING)
    )
    parser.add_argument("--control", action="store_true", help="the mutants' plans with nothing taken out")
    parser.add_argument("--baseline", action="store_true", help="only the usual Celery set-up")
    return parser.parse_args()


def drawn(given: argparse.Namespace) -> int:
    """The seed: before a merge the commit's own, else another one each time."""
    if given.seed is not None:
        return int(given.seed)
    return seed_of_this_commit() if given.merge else secrets.randbelow(SEEDS)


def chosen(given: argparse.Namespace, seed: int) -> Chosen:
    """The runs that were asked for, each with what is taken out of the product."""
    if given.baseline:
        found = [(runs.NAIVE, "")]
    elif given.control:
        names = given.without or runs.FITTING
        found = [(selection.control(name), "") for name in names]
    elif given.without:
        found = [selection.mutant(name) for name in given.without]
    else:
        found = everything(given, seed)
    if given.seconds:
        found = [(replace(run, seconds=given.seconds), without) for run, without in found]
    if given.kills:
        found = [(replace(run, most=given.kills), without) for run, without in found]
    return [(run, without) for run, without in found if not given.only or run.name in given.only]


def everything(given: argparse.Namespace, seed: int) -> Chosen:
    if given.merge:
        return selection.merge(seed)
    return selection.full() if given.full else selection.complete()


def again(seed: int, name: str) -> str:
    """The command that plays this run alone, once more."""
    whole = argparse.ArgumentParser(add_help=False)
    for option in ("--seed", "--only"):
        whole.add_argument(option, action="append")
    _, kept = whole.parse_known_args()
    return f'make chaos ARGS="{shlex.join([*kept, "--seed", str(seed), "--only", name])}"'


def last_words(red: list[str]) -> list[str]:
    if not red:
        return ["Everything held."]
    return ["Not everything held: see the rows marked with “!”. Once more:", *red]


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
