"""Connections that break in the moment of the commit, and workers that are killed: for tests and benches."""

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
from dbtools.execution.run_spec import Identity, Order
from dbtools.postgres.client import Target
from tests.dbtools.execution.small_database import Witness

COMMIT = b"COMMIT\x00"
WAYS = ("before", "in the middle", "after", "reset", "with the answer")


class Proxy:
    """Stands between a run and PostgreSQL. Once `way` is set, the next COMMIT is cut in that way."""

    def __init__(self, to: Target) -> None:
        self.to, self.way = to, ""
        self._door = socket.create_server(("127.0.0.1", 0))
        self.target = replace(to, host="127.0.0.1", port=self._door.getsockname()[1])
        Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._door.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, self._server() as server:
            while True:
                ready, _, _ = select.select([client, server], [], [])
                try:
                    for end in ready:
                        said = end.recv(65536)
                        if not said or (end is client and self.way and COMMIT in said):
                            return self._cut(said, client, server)
                        (server if end is client else client).sendall(said)
                except OSError:
                    return None

    def _server(self) -> socket.socket:
        if self.to.host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{self.to.host}/.s.PGSQL.{self.to.port}")
            return server
        return socket.create_connection((self.to.host, self.to.port))

    def _cut(self, said: bytes, client: socket.socket, server: socket.socket) -> None:
        if not said:
            return
        way, self.way = self.way, ""
        if way == "in the middle":
            server.sendall(said[:-3])
        elif way != "before":
            server.sendall(said)
        if way == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if way == "with the answer":
            server.recv(65536)  # which nobody gets


@contextmanager
def proxy(to: Target) -> Iterator[Proxy]:
    made = Proxy(to)
    try:
        yield made
    finally:
        made.close()


@dataclass(frozen=True, slots=True)
class Worker:
    """A process of its own that runs an order and writes down what a portal's row would hold."""

    pid: int
    notes: Path

    @property
    def words(self) -> list[str]:
        return [json.loads(line)["word"] for line in self._lines()]

    @property
    def identity(self) -> Identity | None:
        """Of the last try that began, None where none has."""
        found = [told["identity"] for line in self._lines() if (told := json.loads(line))["identity"]]
        return Identity(**found[-1]) if found else None

    def _lines(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def over(self, seconds: float = 60) -> bool:
        """Whether it has ended by itself within so many seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                return True
            time.sleep(0.005)
        return False

    def reach(self, word: str, seconds: float = 60) -> bool:
        deadline = time.monotonic() + seconds
        while word not in self.words and time.monotonic() < deadline:
            time.sleep(0.005)
        return word in self.words

    def kill(self) -> None:
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)


def worker(where: Target, order: Order, notes: Path, *, halt: str = "") -> Worker:
    """Start one. At the word `halt` it stands still until it is killed."""
    notes.unlink(missing_ok=True)
    pid = os.fork()
    if pid:
        return Worker(pid, notes)
    try:
        watch = Witness(lambda word: note(watch, word, notes, halt))
        runner.run(where, order, watch)
        os._exit(0)
    except BaseException:
        os._exit(1)


def note(watch: Witness, word: str, notes: Path, halt: str) -> None:
    told = {"word": word, "identity": asdict(watch.identity) if watch.identity else None}
    with notes.open("a") as file:
        file.write(json.dumps(told) + "\n")
    while word == halt:
        time.sleep(60)
