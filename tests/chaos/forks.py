"""Forks workers and dispatchers from one process that has imported everything.

Imports take a second of processor time, and each run starts dozens of processes. A fork is independent: it
has its own session and its own connections.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from select import select
from typing import Any

from rollback_portal import env
from rollback_portal.processes.child import end_with_parent
from rollback_portal.processes.supervised import Process, rotate


class Fork:
    """A forked process, running or ended; only its parent could read the exit code."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.handle = os.pidfd_open(pid)

    def __del__(self) -> None:
        with suppress(AttributeError):
            os.close(self.handle)

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        ended = self._ended(timeout)
        if ended is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return ended

    def send_signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.handle, number)

    def _ended(self, within: float | None) -> int | None:
        return 0 if select([self.handle], [], [], within)[0] else None


class Forks:
    """The process that forks; it ends with us, and its forks end with it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.forks"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=env.ROOT,
            preexec_fn=end_with_parent(signal.SIGKILL),
        )  # fmt: skip

    def fork(self, arguments: Sequence[str], log: Path) -> Fork:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"arguments": list(arguments), "log": str(log)}) + "\n")
        self.process.stdin.flush()
        return Fork(int(self.process.stdout.readline()))

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@dataclass
class Forked(Process):
    """A supervised process; `command` holds only the arguments of `tests.chaos.worker`."""

    forks: Forks | None = None

    def start(self) -> None:
        assert self.forks is not None
        rotate(self.log)
        self.popen = self.forks.fork(self.command, self.log)  # type: ignore[assignment]


def serve() -> None:
    """Import, then fork for each line of stdin; the fork becomes the worker."""
    import_everything()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps ended forks
    tie = end_with_parent(signal.SIGKILL)
    for line in sys.stdin:
        if os.fork() == 0:
            tie()
            become(json.loads(line))
            return


def import_everything() -> None:
    import celery.apps.worker
    import celery.bin.worker
    import celery.concurrency.prefork
    import celery.concurrency.thread  # noqa: F401
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rollback_portal.settings")
    django.setup()
    from rollback_portal.celery import app

    app.loader.import_default_modules()


def become(request: dict[str, Any]) -> None:
    """Set up a new session, log and random seed, then run the worker."""
    from tests.chaos import worker

    os.setsid()
    os.write(1, f"{os.getpid()}\n".encode())  # from now on it can be killed with its children
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(request["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream, number in ((os.open(os.devnull, os.O_RDONLY), 0), (log, 1), (log, 2)):
        os.dup2(stream, number)
    random.seed()
    sys.argv = ["chaos-worker", *request["arguments"]]
    worker.main()


if __name__ == "__main__":
    serve()
