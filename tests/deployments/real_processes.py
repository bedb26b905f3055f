"""Real workers and dispatchers on the rows of a test. They reach its sandbox over loopback."""

from __future__ import annotations

import os
import signal
import socketserver
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo
from redis import Redis

from deployments.sandbox.server.app import Sandbox
from rollback_portal import env
from rollback_portal.processes.supervised import Process, wait_until

PATIENCE = 45.0  # seconds until a process has started, on a busy machine
POOLS = {
    "threads": ("--pool", "threads", "--concurrency", "4"),
    "children": ("--pool", "prefork", "--concurrency", "2"),
}
QUEUES = ("operations", "reading", "unacked", "unacked_index", "unacked_mutex")


class _Threading(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the sandbox records the requests itself."""


@contextmanager
def served(sandbox: Sandbox) -> Iterator[str]:
    """Serve this sandbox over HTTP; yields its URL."""
    server = _Threading(("127.0.0.1", 0), _Quiet)
    server.set_app(sandbox)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def address_of_database(**other: str | int) -> str:
    """The connection string of the test's database, for DATABASE_URL."""
    configured = connection.settings_dict
    parts = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    known: dict[str, str | int] = {
        part: str(configured[name]) for part, name in parts.items() if configured[name]
    }
    return make_conninfo("", **{**known, **other})


@dataclass
class RealProcesses:
    """Starts processes; `end` kills those that still run."""

    folder: Path
    variables: dict[str, str]
    processes: list[Process] = field(default_factory=list)

    def worker(self, pool: str = "threads", **variables: str) -> Process:
        command = ["-m", "celery", "-A", "rollback_portal", "worker", "--queues", "operations", *POOLS[pool]]
        command += ["--without-mingle", "--without-gossip", "--loglevel", "INFO"]
        return self._start("worker", [*command, "--hostname", f"{len(self.processes)}@%h"], variables)

    def dispatcher(self, **variables: str) -> Process:
        return self._start("dispatcher", ["manage.py", "dispatch"], variables)

    def _start(self, kind: str, command: list[str], variables: dict[str, str]) -> Process:
        name = f"{kind}-{len(self.processes) + 1}"
        environment = env.for_child(**{**self.variables, **variables})
        process = Process(name, [sys.executable, *command], environment, self.folder / f"{name}.log")
        process.start()
        self.processes.append(process)
        return process

    def end(self) -> None:
        for process in self.processes:
            if process.popen is not None and process.is_running:
                os.killpg(process.popen.pid, signal.SIGCONT)
            process.kill()


@contextmanager
def processes(folder: Path, sandbox: Sandbox, **variables: str) -> Iterator[RealProcesses]:
    clear_queues()
    with served(sandbox) as origin:
        common = {
            "DJANGO_SETTINGS_MODULE": "rollback_portal.settings",
            "DATABASE_URL": address_of_database(),
            "REDIS_URL": settings.REDIS_URL,
            "SANDBOX_URL": origin,
            "SETTLE_SECONDS": "1",
            **variables,
        }
        started = RealProcesses(folder, common)
        try:
            yield started
        finally:
            started.end()
            clear_queues()


def clear_queues() -> None:
    """Drop the messages that another test left behind."""
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.delete(*QUEUES)


def says(process: Process, text: str) -> None:
    """Wait until the process has written this text to its log."""
    in_time = wait_until(
        lambda: text in process.log.read_text() or not process.is_running, PATIENCE, pause=0.05
    )
    assert in_time, f"{process.name} did not write {text!r} within {PATIENCE} s"
    assert text in process.log.read_text(), process.log_tail(40)


def ask_to_stop(process: Process) -> float:
    """Send SIGTERM to the main process, as a supervisor does; returns the monotonic time of it."""
    assert process.popen is not None
    process.popen.send_signal(signal.SIGTERM)
    return time.monotonic()


def ended(process: Process, seconds: float) -> int | None:
    """Its exit code; None where it still runs after so many seconds."""
    wait_until(lambda: not process.is_running, seconds)
    return process.exit_code
