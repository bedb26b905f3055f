"""`python -m tests.chaos`, which is what `make chaos` does."""

from __future__ import annotations

import argparse
import json
import os
import platform
import secrets
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rollback_portal.processes.child import end_with_parent
from tests.chaos import runs, selection, table
from tests.chaos.runs import Run
from tests.chaos.selection import Chosen
from tests.chaos.setting import environment, make_template

LONGEST = 1800  # seconds that one run may take, its load not counted


def main() -> int:
    """0: the product held and every mutant was caught; 1: something did not, and the table says what."""
    given = arguments()
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda *_: sys.exit(1))
    seed = given.seed if given.seed is not None else secrets.randbelow(1_000_000)
    table.say(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine()}, seed {seed}\n")
    good, results = True, []
    with tempfile.TemporaryDirectory(prefix="chaos-", dir="/tmp", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        folder.chmod(0o711)
        make_template(folder)
        for run, without in chosen(given, seed):
            result = play(run, seed, without, folder)
            good = table.row(result, must_be_red=bool(without) or run.red) and good
            results.append(result)
    table.show(results)
    table.total(results)
    table.say("\nEverything held." if good else "\nNot everything held: see the rows marked with “!”.")
    return 0 if good else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seconds", type=float, help="length of the mixed run")
    parser.add_argument("--kills", type=int, default=0, help="end each run after so many faults")
    parser.add_argument("--merge", action="store_true", help="what fits a quarter of an hour; one mutant")
    parser.add_argument("--full", action="store_true", help="the numbers of the whole matrix; a night")
    parser.add_argument("--only", action="append", default=[], metavar="RUN", help="only runs of this name")
    parser.add_argument(
        "--without", action="append", default=[], metavar="PART", choices=sorted(runs.FITTING)
    )
    parser.add_argument("--control", action="store_true", help="the mutants' plans with nothing taken out")
    parser.add_argument("--baseline", action="store_true", help="only the usual Celery set-up")
    return parser.parse_args()


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


def play(run: Run, seed: int, without: str, template: Path) -> dict[str, Any]:
    """In a process of its own: Django is set up once per process, and every run has its own database."""
    command = [sys.executable, "-m", "tests.chaos.one", json.dumps(asdict(run)), "--seed", str(seed)]
    command += ["--without", without, "--template", str(template)]
    playing = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment(template),
        preexec_fn=end_with_parent(signal.SIGTERM),
    )  # fmt: skip
    try:
        told, _ = playing.communicate(timeout=run.seconds + LONGEST)
    except BaseException:
        playing.terminate()
        raise
    if playing.returncode:
        return {"name": run.name, "without": without, "seed": seed, "broken": playing.returncode}
    result: dict[str, Any] = json.loads(told.splitlines()[-1])
    return result


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
