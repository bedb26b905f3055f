"""Real workers and dispatchers of the portal on a test's own rows; the sandbox answers them over loopback."""

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
        """Nothing: the sandbox keeps its own list of what it received."""


@contextmanager
def served(sandbox: Sandbox) -> Iterator[str]:
    """This very sandbox over HTTP; its address."""
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
    """The address of the test's own database, as DATABASE_URL takes it."""
    told = connection.settings_dict
    parts = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    known: dict[str, str | int] = {part: str(told[name]) for part, name in parts.items() if told[name]}
    return make_conninfo("", **{**known, **other})


@dataclass
class RealProcesses:
    """Starts processes and leaves none behind."""

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
        told = env.for_child(**{**self.variables, **variables})
        process = Process(name, [sys.executable, *command], told, self.folder / f"{name}.log")
        process.start()
        self.processes.append(process)
        return process

    def end(self) -> None:
        for process in self.processes:
            if process.running is not None and process.is_up:
                os.killpg(process.running.pid, signal.SIGCONT)
            process.kill()


@contextmanager
def processes(folder: Path, sandbox: Sandbox, **variables: str) -> Iterator[RealProcesses]:
    forget_messages()
    with served(sandbox) as origin:
        told = {
            "DJANGO_SETTINGS_MODULE": "rollback_portal.settings",
            "DATABASE_URL": address_of_database(),
            "REDIS_URL": settings.REDIS_URL,
            "SANDBOX_URL": origin,
            "SETTLE_SECONDS": "1",
            **variables,
        }
        started = RealProcesses(folder, told)
        try:
            yield started
        finally:
            started.end()
            forget_messages()


def forget_messages() -> None:
    """What an earlier test left in the queue is none of ours."""
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.delete(*QUEUES)


def says(process: Process, words: str) -> None:
    """Wait until it has said so in its log."""
    found = wait_until(lambda: words in process.log.read_text() or not process.is_up, PATIENCE, pause=0.05)
    assert found, f"{process.name} did not say so within {PATIENCE} s"
    assert words in process.log.read_text(), process.last_words(40)


def ask_to_stop(process: Process) -> float:
    """SIGTERM, as a supervisor sends it to the one process it knows; when that was."""
    assert process.running is not None
    process.running.send_signal(signal.SIGTERM)
    return time.monotonic()


def ended(process: Process, seconds: float) -> int | None:
    """Its exit code, None where it runs on after so many seconds."""
    wait_until(lambda: not process.is_up, seconds)
    return process.exit_code
