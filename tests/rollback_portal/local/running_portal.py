"""A whole portal for a test, started like `make run`, in a folder and on a port of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Collection
from itertools import count
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[3]
numbers = count(1)
FEW_ORDERS = (
    "2000"  # rows of the practice database; seven seconds of processor time less than its usual 184,201
)
SET_BY_THE_TESTS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "STATIC_ROOT", "DJANGO_SETTINGS_MODULE")


class Portal:
    """`python -m rollback_portal.local` and everything that it started."""

    def __init__(self, folder: Path, **variables: str) -> None:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in SET_BY_THE_TESTS and not name.startswith("PORTAL_")
        }
        self.folder = folder
        self.environment = {
            **inherited,
            "PORTAL_DATA": str(folder),
            "PORTAL_ENV_FILE": os.devnull,
            "PORT": "0",
            "SANDBOX_ORDERS": FEW_ORDERS,
            **variables,
        }
        self.terminal = folder.with_name(f"terminal-{next(numbers)}.txt")

    def start(self) -> Portal:
        with self.terminal.open("w") as terminal:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "rollback_portal.local"],
                cwd=ROOT,
                env=self.environment,
                stdout=terminal,
                stderr=terminal,
                stdin=subprocess.DEVNULL,
            )
        return self

    def wait_until_ready(self) -> Portal:
        wait_for(lambda: "Ctrl-C stops everything" in self.output or self.process.poll() is not None, 90)
        assert self.process.poll() is None, self.output
        return self

    @property
    def output(self) -> str:
        return self.terminal.read_text()

    @property
    def address(self) -> str:
        match = re.search(r"ready after .* s: (http\S+)", self.output)
        assert match, self.output
        return match[1]

    def everything(self) -> list[psutil.Process]:
        """All processes that it started, and those that these started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def named(self, words: str) -> psutil.Process:
        return next(one for one in self.everything() if words in " ".join(one.cmdline()))

    def page(self, path: str) -> tuple[int, str]:
        with urllib.request.urlopen(self.address + path, timeout=20) as answer:  # noqa: S310  (our own loopback)
            return answer.status, answer.read().decode()

    def command(self, *words: str, ends_with: Collection[int] = (0,)) -> str:
        """`manage.py` in another terminal; `ends_with` are the exit codes that it may have."""
        environment = {name: value for name, value in self.environment.items() if name != "PORT"}
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode in ends_with, done.stderr
        return done.stdout

    def running(self) -> dict[str, str]:
        return dict(json.loads((self.folder / "running.json").read_text()))

    def end(self, stop_signal: signal.Signals = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(stop_signal)
        return self.process.wait(60)


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    """Wait until the condition is true; fail if it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        time.sleep(0.05)


def gone(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still run after at most `seconds`."""
    deadline = time.monotonic() + seconds
    while (left := [process for process in processes if runs(process)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def runs(process: psutil.Process) -> bool:
    """Whether it runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
