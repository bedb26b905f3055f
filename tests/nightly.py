"""`python -m tests.nightly`, which is what `make nightly` does: all tests that take too long for a merge.

A failed step does not stop the next one. The table at the end shows all results; the exit code is 1 if a step
failed. Each name is a target of the Makefile; the line before its output is the command that repeats it.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rollback_portal import env
from rollback_portal.processes.child import end_with_parent
from tests.bench.table import say, table
from tests.prisma.projects import practice, written


@dataclass(frozen=True, slots=True)
class Step:
    """A target of the Makefile with its arguments."""

    name: str
    arguments: tuple[str, ...] = ()

    @property
    def command(self) -> list[str]:
        return ["make", "--no-print-directory", self.name, *self.arguments]


@dataclass(frozen=True, slots=True)
class Ended:
    step: Step
    code: int
    seconds: float

    @property
    def result(self) -> str:
        return "green" if self.code == 0 else f"RED (exit code {self.code})"


def night(migrations: Path) -> list[Step]:
    """Return all steps; `migrations` is the folder for which down SQL is drafted."""
    return [
        Step("chaos"),
        Step("model"),
        Step("provider-answers"),
        Step("wrong-downs"),
        Step("round-trips"),
        Step("wizard-faults"),
        Step("prisma-together"),
        Step("wizard-versions"),
        Step("bench-down", (f"CORPUS={migrations}", "ARGS=--twice")),
        Step("bench"),
        Step("bench-services"),
        Step("bench-wizard"),
        Step("bench-verdict"),
    ]


def main() -> int:
    """Return 0 if every step was green, else 1."""
    args = arguments()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="nightly-") as place:
        steps = night(written(Path(place) / "migrations", practice()))
        ended = [play(step) for step in steps if not args.only or step.name in args.only]
    show(ended)
    return 0 if all(step.code == 0 for step in ended) else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make nightly", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only this one")
    return parser.parse_args()


def play(step: Step) -> Ended:
    say(f"=== {' '.join(step.command)}")
    began = time.monotonic()
    code = subprocess.run(
        step.command,
        cwd=env.ROOT,
        stdin=subprocess.DEVNULL,
        preexec_fn=end_with_parent(signal.SIGTERM),
        check=False,
    ).returncode
    ended = Ended(step, code, time.monotonic() - began)
    say(f"=== {step.name}: {ended.result}, {ended.seconds:.0f} s\n")
    return ended


def show(ended: Sequence[Ended]) -> None:
    rows = [(result.step.name, result.result, f"{result.seconds:.0f} s") for result in ended]
    table(("tonight", "result", "seconds"), rows)


if __name__ == "__main__":
    sys.exit(main())
