"""Plays runs in parallel, each in its own process with its own servers.

They mostly wait for time to pass, not for processors. One thread starts all of them and waits for them,
because Linux ends these processes with the thread that started them.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rollback_portal.processes.child import end_with_parent
from tests.chaos.runs import Run
from tests.chaos.selection import Chosen
from tests.chaos.setting import environment

LONGEST = 1800  # seconds that one run may take, its load not counted
PAUSE = 0.2  # seconds between two looks


class Playing:
    """One run in progress."""

    def __init__(self, run: Run, without: str, seed: int, template: Path) -> None:
        self.run, self.without, self.seed = run, without, seed
        self.must_end_at = time.monotonic() + run.seconds + LONGEST
        self.output = template / f"{run.name.replace(' ', '_')}{without}.json"
        command = [
            sys.executable,
            "-m",
            "tests.chaos.single_run",
            json.dumps(asdict(run)),
            "--seed",
            str(seed),
        ]
        command += ["--without", without, "--template", str(template)]
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                command, stdout=output, env=environment(template), preexec_fn=end_with_parent(signal.SIGTERM)
            )

    @property
    def is_over(self) -> bool:
        if self.process.poll() is None and time.monotonic() > self.must_end_at:
            raise TimeoutError(f"{self.run.name} does not end.")
        return self.process.returncode is not None

    @property
    def result(self) -> dict[str, Any]:
        if self.process.returncode:
            named = {"name": self.run.name, "without": self.without, "seed": self.seed}
            return {**named, "broken": self.process.returncode}
        result: dict[str, Any] = json.loads(self.output.read_text().splitlines()[-1])
        return result


def play(chosen: Chosen, seed: int, template: Path, at_once: int) -> Generator[Playing]:
    """Play all runs, at most `at_once` in parallel; yield each when it is over."""
    waiting = longest_first(chosen)
    playing: list[Playing] = []
    try:
        while waiting or playing:
            while waiting and len(playing) < at_once:
                playing.append(Playing(*waiting.pop(0), seed, template))
            time.sleep(PAUSE)
            for over in [run for run in playing if run.is_over]:
                playing.remove(over)
                yield over
    finally:
        for left in playing:
            left.process.terminate()


def longest_first(chosen: Chosen) -> Chosen:
    """Sort so that no long run starts when the others are done."""
    return sorted(chosen, key=lambda pair: -pair[0].seconds)
