"""Connections that are cut during the commit, and workers that are killed, for tests and benches."""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Thread

from dbtools.execution import runner
from dbtools.execution.run_spec import Identity, RunSpec
from dbtools.postgres.client import DatabaseAddress
from tests.dbtools.execution.small_database import RecordingObserver

COMMIT = b"COMMIT\x00"
WAYS = ("before", "in the middle", "after", "reset", "with the answer")


class Proxy:
    """A proxy in front of PostgreSQL. Once `way` is set, it cuts the next COMMIT in that way."""

    def __init__(self, to: DatabaseAddress) -> None:
        self.to, self.way = to, ""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = replace(to, host="127.0.0.1", port=self._listener.getsockname()[1])
        Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        with client, self._server() as server:
            while True:
                ready, _, _ = select.select([client, server], [], [])
                try:
                    for end in ready:
                        data = end.recv(65536)
                        if not data or (end is client and self.way and COMMIT in data):
                            return self._cut(data, client, server)
                        (server if end is client else client).sendall(data)
                except OSError:
                    return None

    def _server(self) -> socket.socket:
        if self.to.host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{self.to.host}/.s.PGSQL.{self.to.port}")
            return server
        return socket.create_connection((self.to.host, self.to.port))

    def _cut(self, data: bytes, client: socket.socket, server: socket.socket) -> None:
        if not data:
            return
        way, self.way = self.way, ""
        if way == "in the middle":
            server.sendall(data[:-3])
        elif way != "before":
            server.sendall(data)
        if way == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if way == "with the answer":
            server.recv(65536)  # the answer is dropped


@contextmanager
def proxy(to: DatabaseAddress) -> Iterator[Proxy]:
    made = Proxy(to)
    try:
        yield made
    finally:
        made.close()


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that executes a run and notes what the portal would store."""

    pid: int
    notes: Path

    @property
    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self._lines()]

    @property
    def identity(self) -> Identity | None:
        """Of the last attempt; None if none began."""
        notes = [json.loads(line)["identity"] for line in self._lines()]
        identities = [identity for identity in notes if identity]
        return Identity(**identities[-1]) if identities else None

    def _lines(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def ends_within(self, seconds: float = 60) -> bool:
        """Whether it ends by itself within so many seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                return True
            time.sleep(0.005)
        return False

    def reach(self, event: str, seconds: float = 60) -> bool:
        deadline = time.monotonic() + seconds
        while event not in self.events and time.monotonic() < deadline:
            time.sleep(0.005)
        return event in self.events

    def kill(self) -> None:
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)


def worker(address: DatabaseAddress, spec: RunSpec, notes: Path, *, halt: str = "") -> Worker:
    """Start one. At the event `halt` it stops until it is killed."""
    notes.unlink(missing_ok=True)
    pid = os.fork()
    if pid:
        return Worker(pid, notes)
    try:
        observer = RecordingObserver(lambda event: note(observer, event, notes, halt))
        runner.run(address, spec, observer)
        os._exit(0)
    except BaseException:
        os._exit(1)


def note(observer: RecordingObserver, event: str, notes: Path, halt: str) -> None:
    record = {"event": event, "identity": asdict(observer.identity) if observer.identity else None}
    with notes.open("a") as file:
        file.write(json.dumps(record) + "\n")
    while event == halt:
        time.sleep(60)
