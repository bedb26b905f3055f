"""Runs a program with a minimal environment, keeps its last messages, and ends it with this process."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import IO, Self

from dbtools.postgres.client import PROGRAM_NAME, DatabaseAddress, redact
from rollback_portal import env
from rollback_portal.processes.child import end_with_parent, kill_group

POLL_SECONDS = 0.1  # seconds between two calls of `stop`
KEPT_LINES = 40  # last lines of standard error
NICENESS = 10  # for work that may wait; 19 is the lowest priority


class ProgramFailed(Exception):
    """The program ended with an error; `str()` is its message, without the password."""


class ProgramStopped(Exception):
    """The program was ended on request."""


class Child:
    """A child program in its own process group. It is killed when the thread that started it ends.

    Args:
        address: of the database it connects to; the password is passed in the environment only.
        on_line: called in a thread with each line of the program's standard error.
        with_stdin: whether the caller writes to the program's standard input.
        source: file descriptor of the standard input otherwise.
        low_priority: whether pages and workers on the same machine go first.
    """

    def __init__(
        self,
        command: Sequence[str],
        address: DatabaseAddress | None,
        *,
        on_line: Callable[[str], None] | None = None,
        with_stdin: bool = False,
        source: int = subprocess.DEVNULL,
        output: int = subprocess.DEVNULL,
        low_priority: bool = False,
    ) -> None:
        self.command, self._address, self._on_line = list(command), address, on_line
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.process = subprocess.Popen(
            self.command,
            env=child_environment(address),
            stdin=subprocess.PIPE if with_stdin else source,
            stdout=output,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_before_exec(low_priority),
        )
        self._reader = Thread(target=self._read_stderr, name="child-stderr", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the program, however the block was left."""
        self.end()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                _close(pipe)

    def wait(
        self, *, stop: Callable[[], bool] = lambda: False, tick: Callable[[], None] | None = None
    ) -> None:
        """Wait until it has ended successfully, calling `tick` several times a second.

        Raises:
            ProgramFailed: it ended with an error.
            ProgramStopped: `stop` returned true, and the program was ended.
        """
        while True:
            try:
                code = self.process.wait(POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                if stop():
                    self.end()
                    raise ProgramStopped("Stopped.") from None
                if tick is not None:
                    tick()
        self._reader.join(timeout=10)
        if code:
            raise ProgramFailed(self.error_message(code))

    def read_output(self) -> bytes:
        """Wait until it has ended successfully; return all that it wrote to its standard output.

        Raises:
            ProgramFailed: it ended with an error, or its output could not be read.
        """
        output: Future[bytes] = Future()
        Thread(target=self._read_stdout, args=(output,), name="child-stdout", daemon=True).start()
        self.wait()
        return output.result()

    def error_message(self, code: int) -> str:
        """The program's error messages, without its progress messages."""
        errors = [line for line in self._lines if ": error:" in line or "detail:" in line or "hint:" in line]
        text = " ".join(errors or list(self._lines)[-3:]) or f"it ended with code {code} and printed nothing"
        return redact(text, self._address) if self._address else text

    def end(self) -> None:
        """Kill it and everything it started."""
        kill_group(self.process)
        self._reader.join(timeout=10)

    def _read_stdout(self, output: Future[bytes]) -> None:
        """An error is handed to whoever reads the output: half of one must not pass for a short one."""
        try:
            assert self.process.stdout is not None  # noqa: S101 - the caller asked for it with `output`
            output.set_result(self.process.stdout.read())
        except Exception as error:
            output.set_exception(ProgramFailed(f"its output could not be read: {error}"))

    def _read_stderr(self) -> None:
        if self.process.stderr is None:
            return
        for raw in self.process.stderr:
            line = raw.decode(errors="replace").rstrip()
            self._lines.append(line)
            if self._on_line is not None:
                self._on_line(line)


def _before_exec(low_priority: bool) -> Callable[[], None]:
    """What the child process does before it executes the program."""
    die_with_parent = end_with_parent(signal.SIGKILL)

    def prepare() -> None:
        die_with_parent()
        if low_priority:
            _lower_priority()

    return prepare


def _lower_priority() -> None:
    """Linux may schedule by session instead of process (autogroup), so lower the session's priority too."""
    os.nice(NICENESS)
    with suppress(OSError):
        group = os.open("/proc/self/autogroup", os.O_WRONLY)
        os.write(group, str(NICENESS).encode())
        os.close(group)


def child_environment(address: DatabaseAddress | None) -> dict[str, str]:
    """The complete environment of a child: what it needs and the database address, no other secrets."""
    address_variables = {**address.environment(), "PGAPPNAME": PROGRAM_NAME} if address else {}
    return {**env.for_program(), **address_variables, "LC_ALL": "C", "PGCLIENTENCODING": "UTF8"}


def _close(pipe: IO[bytes]) -> None:
    with suppress(BrokenPipeError):
        pipe.close()
