"""Processes that we start: each with its own log, stopped in order, and never outliving us."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rollback_portal import env

PR_SET_PDEATHSIG = 1
LARGEST_LOG = 5 * 1024 * 1024
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class Problem(Exception):
    """Why the portal cannot run, as a sentence for the person at the terminal."""


@dataclass
class Process:
    """A program that runs beside us until it is told to stop.

    Args:
        name: how people and its log file call it.
        command: the program and its arguments.
        environment: all of its environment variables.
        log: the file that takes everything it prints.
        farewell: the signal that asks it to end by itself.
        inherited: file descriptors that it gets from us.
    """

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    log: Path
    farewell: signal.Signals = signal.SIGTERM
    inherited: tuple[int, ...] = ()
    output: int | None = None
    running: subprocess.Popen[str] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it. Only from the main thread: Linux ends a process with the thread that started it."""
        keep_small(self.log)
        with self.log.open("a") as log:
            self.running = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=self.output if self.output is not None else log,
                stderr=log,
                text=True,
                cwd=env.ROOT,
                pass_fds=self.inherited,
                start_new_session=True,  # Ctrl-C at the terminal is ours; we stop the others in order
                preexec_fn=ends_with_us(self.farewell),
            )

    @property
    def exit_code(self) -> int | None:
        return self.running.poll() if self.running else None

    @property
    def is_up(self) -> bool:
        return self.running is not None and self.running.poll() is None

    def printed(self) -> str:
        """Wait until it has ended; what it printed, where `output` is a pipe."""
        return (self.running.communicate()[0] or "") if self.running else ""

    def say_farewell(self) -> None:
        if self.running is not None and self.is_up:
            self.running.send_signal(self.farewell)

    def kill(self) -> None:
        """End it at once, with everything it started itself."""
        if self.running is not None and self.is_up:
            os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait()

    def last_words(self, lines: int = 12) -> str:
        """The end of its log, indented."""
        written = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(f"    {line}" for line in written[-lines:])


def ends_with_us(farewell: signal.Signals) -> Callable[[], None]:
    """What a new process does first: ask the kernel to end it when we are gone, however we went."""
    us = os.getpid()

    def tie() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(farewell), 0, 0, 0)
            if os.getppid() != us:
                os._exit(1)

    return tie


def keep_small(log: Path) -> None:
    """Start a new log file when the old one has grown; one old one is kept."""
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".old.log"))


def stop_together(
    processes: Iterable[Process], patience: float, in_a_hurry: Callable[[], bool] = lambda: False
) -> None:
    """Ask all to end, wait `patience` seconds or until we are in a hurry, then end those that did not."""
    leaving = [process for process in processes if process.is_up]
    for process in leaving:
        process.say_farewell()
    wait_until(lambda: in_a_hurry() or not any(process.is_up for process in leaving), patience)
    for process in leaving:
        process.kill()


def wait_until(holds: Callable[[], bool], seconds: float, pause: float = 0.02) -> bool:
    """Look every `pause` seconds until it holds; False when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
