"""Processes that are started and watched: each has its own log, is stopped in order and never outlives us."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rollback_portal import env
from rollback_portal.processes.child import end_with_parent, kill_group

LARGEST_LOG = 5 * 1024 * 1024  # bytes


class CannotRun(Exception):
    """Something cannot be started; `str()` is a sentence for the person at the terminal."""


@dataclass
class Process:
    """A program that runs until it is stopped.

    Attributes:
        name: its name for people.
        command: the program and its arguments. No secrets: every user of the machine can read them.
        environment: all of its environment variables.
        log: the file that receives everything it prints.
        stop_signal: the signal that asks it to end by itself.
        inherited: file descriptors that it gets from us.
        output: where its standard output goes instead of the log, such as `subprocess.PIPE`.
        folder: where it runs.
    """

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    inherited: tuple[int, ...] = ()
    output: int | None = None
    folder: Path = env.ROOT
    popen: subprocess.Popen[str] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it, from the main thread only: Linux ends the child with the thread that started it."""
        rotate(self.log)
        with self.log.open("a") as log:
            self.popen = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=self.output if self.output is not None else log,
                stderr=log,
                text=True,
                cwd=self.folder,
                pass_fds=self.inherited,
                start_new_session=True,  # Ctrl-C reaches only us, and we stop the others in order
                preexec_fn=end_with_parent(self.stop_signal),
            )

    @property
    def exit_code(self) -> int | None:
        return self.popen.poll() if self.popen else None

    @property
    def is_running(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def printed(self) -> str:
        """Wait until it has ended, and return what it wrote to a piped `output`."""
        return (self.popen.communicate()[0] or "") if self.popen else ""

    def ask_to_stop(self) -> None:
        if self.popen is not None and self.is_running:
            self.popen.send_signal(self.stop_signal)

    def kill(self) -> None:
        """End it at once, with everything that it started."""
        if self.popen is not None:
            kill_group(self.popen)

    def log_tail(self, lines: int = 12) -> str:
        """The end of its log, indented."""
        logged = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(f"    {line}" for line in logged[-lines:])


def rotate(log: Path) -> None:
    """Start a new log file when the old one is larger than 5 MiB; one old file is kept."""
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".old.log"))


def stop_all(
    processes: Iterable[Process], patience: float, hurry: Callable[[], bool] = lambda: False
) -> None:
    """Ask all to end, wait `patience` seconds or until `hurry()` is true, then kill those that still run."""
    stopping = [process for process in processes if process.is_running]
    for process in stopping:
        process.ask_to_stop()
    wait_until(lambda: hurry() or not any(process.is_running for process in stopping), patience)
    for process in stopping:
        process.kill()


def wait_until(condition: Callable[[], bool], seconds: float, pause: float = 0.02) -> bool:
    """Ask every `pause` seconds until the condition is true; False if it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
