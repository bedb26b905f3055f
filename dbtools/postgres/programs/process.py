"""One of PostgreSQL's programs at work: told by its environment, ended with us, its words kept."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import IO, Self

from dbtools.postgres.client import Target, harmless
from rollback_portal import env
from rollback_portal.processes.supervised import ends_with_us

LOOK_EVERY = 0.1  # seconds between two questions whether it is to be stopped
INHERITED = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "TZ")
WORDS = 40  # last lines of what it said
ASIDE = 10  # of 19 steps that a program can stand back


class Failed(Exception):
    """The program ended with an error; `str()` is what it said, without the password."""


class Stopped(Exception):
    """Somebody asked for it to be stopped, and it was."""


class Child:
    """A program in a process group of its own. It dies with the thread that started it.

    Args:
        where: the database that it opens. Its password goes into the child's environment and nowhere else.
        heard: called in a thread with every line that the program says on its standard error.
        fed: whether something is written to its standard input.
        source: the file that is its standard input otherwise.
        aside: whether it waits where pages and workers of the same machine want the processor.
    """

    def __init__(
        self,
        command: Sequence[str],
        where: Target | None,
        *,
        heard: Callable[[str], None] | None = None,
        fed: bool = False,
        source: int = subprocess.DEVNULL,
        output: int = subprocess.DEVNULL,
        aside: bool = False,
    ) -> None:
        self.command, self._where, self._heard = list(command), where, heard
        self._words: deque[str] = deque(maxlen=WORDS)
        self.process = subprocess.Popen(
            self.command,
            env=surroundings(where),
            stdin=subprocess.PIPE if fed else source,
            stdout=output,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_tied(aside),
        )
        self._ear = Thread(target=self._listen, name="child's words", daemon=True)
        self._ear.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left running, however the block was left."""
        self.end()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                _close(pipe)

    def wait(
        self, *, stop: Callable[[], bool] = lambda: False, tick: Callable[[], None] | None = None
    ) -> None:
        """Return when it has ended well. `tick` is called some times a second meanwhile.

        Raises:
            Failed: it ended with an error.
            Stopped: `stop` said so; it was ended.
        """
        while True:
            try:
                code = self.process.wait(LOOK_EVERY)
                break
            except subprocess.TimeoutExpired:
                if stop():
                    self.end()
                    raise Stopped("Stopped.") from None
                if tick is not None:
                    tick()
        self._ear.join(timeout=10)
        if code:
            raise Failed(self.said(code))

    def said(self, code: int) -> str:
        """Its errors in its own words, without what it tells of its progress."""
        errors = [line for line in self._words if ": error:" in line or "detail:" in line or "hint:" in line]
        words = " ".join(errors or list(self._words)[-3:]) or f"it ended with code {code} and said nothing"
        return harmless(words, self._where) if self._where else words

    def end(self) -> None:
        """End it at once, with everything it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._ear.join(timeout=10)

    def _listen(self) -> None:
        if self.process.stderr is None:
            return
        for raw in self.process.stderr:
            line = raw.decode(errors="replace").rstrip()
            self._words.append(line)
            if self._heard is not None:
                self._heard(line)


def _tied(aside: bool) -> Callable[[], None]:
    """What the child does before it becomes the program."""
    tie = ends_with_us(signal.SIGKILL)

    def first() -> None:
        tie()
        if aside:
            _step_aside()

    return first


def _step_aside() -> None:
    """Linux may weigh sessions instead of processes, so the session steps aside, too."""
    os.nice(ASIDE)
    with suppress(OSError):
        group = os.open("/proc/self/autogroup", os.O_WRONLY)
        os.write(group, str(ASIDE).encode())
        os.close(group)


def surroundings(where: Target | None) -> dict[str, str]:
    """All of a child's environment: what it needs, the way to the database, and none of our secrets."""
    ours = {name: value for name, value in env.for_child().items() if name in INHERITED}
    told = {**where.environment(), "PGAPPNAME": "rollback-portal"} if where else {}
    return {**ours, **told, "LC_ALL": "C", "PGCLIENTENCODING": "UTF8"}


def _close(pipe: IO[bytes]) -> None:
    with suppress(BrokenPipeError):
        pipe.close()
