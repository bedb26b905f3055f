"""A PostgreSQL proxy that cuts some connections exactly at a COMMIT.

    python -m tests.chaos.commits --port 9801 --server SOCKET --share 0.1 --seed 7 --written-to FILE

It is no pooler: each client connection has its own server connection, so session locks keep working. It cuts
between the signals SIGUSR1 and SIGUSR2. A statement that commits by itself, outside a transaction, counts as
a commit. Each cut is written to the file as one line.
Reference: https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import struct
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from contextlib import suppress
from pathlib import Path
from random import Random

QUERY, PARSE, SYNC, READY, TERMINATE = b"Q", b"P", b"S", b"Z", b"X"
ENCRYPTION = (80877103, 80877104)  # SSLRequest, GSSENCRequest: answered with one byte
CANCEL = 80877102
IDLE = b"I"
WRITES = (b"INSERT", b"UPDATE", b"DELETE")
NO_LINGER = struct.pack("ii", 1, 0)
GONE = (IncompleteReadError, ConnectionError)

BEFORE = "commit cut before it arrived"
BEFORE_RESET = "commit cut before it arrived, with RST"
AFTER = "commit cut before its answer"
AFTER_RESET = "commit cut before its answer, with RST"
KINDS = (BEFORE, BEFORE_RESET, AFTER, AFTER_RESET)


def statement(kind: bytes, body: bytes) -> bytes:
    """Return the SQL of a simple or a prepared query; nothing for any other message."""
    if kind == QUERY:
        return body
    return body.split(b"\0", 2)[1] if kind == PARSE else b""


def is_commit(sql: bytes, status: bytes) -> bool:
    """Return whether this statement commits something, given the session's transaction status."""
    word = sql.lstrip()[:6].upper()
    return word == b"COMMIT" or (status == IDLE and word in WRITES)


class CommitCuttingProxy:
    """Accepts connections, and decides at random which commits are cut."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.random = Random(f"commits {args.seed}")
        self.cutting = False
        self.file = os.open(args.written_to, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self.switch, True)
        loop.add_signal_handler(signal.SIGUSR2, self.switch, False)
        server = await asyncio.start_server(self.connect_client, "127.0.0.1", self.args.port)
        await server.serve_forever()

    def switch(self, on: bool) -> None:
        self.cutting = on

    def choose_cut(self) -> str:
        """Return the kind of cut, or an empty string for none."""
        if not self.cutting or self.random.random() >= self.args.share:
            return ""
        return self.random.choice(KINDS)

    def record_cut(self, kind: str) -> None:
        os.write(self.file, f"{kind}\n".encode())

    async def connect_client(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            server = await asyncio.open_unix_connection(self.args.server)
        except OSError:
            writer.close()
            return
        await Session(self, (reader, writer), server).run()


class Session:
    """One client connection with its server connection."""

    def __init__(
        self,
        proxy: CommitCuttingProxy,
        client: tuple[StreamReader, StreamWriter],
        server: tuple[StreamReader, StreamWriter],
    ) -> None:
        self.proxy = proxy
        self.from_client, self.to_client = client
        self.from_server, self.to_server = server
        self.status = b""
        self.is_cut = False

    async def run(self) -> None:
        back = None
        try:
            if await self._start():
                back = asyncio.create_task(self._pass_back())
                await self._pass_on()
        except GONE:
            pass
        finally:
            self.to_client.close()
            if self.is_cut and back is not None:
                with suppress(OSError):
                    self.to_server.write_eof()
                await back  # the server finishes what it has received
            self.to_server.close()

    async def _start(self) -> bool:
        """Forward everything until the session begins; return False for a cancel request."""
        while True:
            head = await self.from_client.readexactly(8)
            length, code = struct.unpack("!ii", head)
            self.to_server.write(head + await self.from_client.readexactly(length - 8))
            if code not in ENCRYPTION:
                return bool(code != CANCEL)
            self.to_client.write(await self.from_server.readexactly(1))

    async def _pass_on(self) -> None:
        """Forward from the client to the server until one side closes or a commit is cut."""
        cut = ""
        while True:
            kind, whole = await _message(self.from_client)
            if kind == TERMINATE:
                self.to_server.write(whole)
                return
            if not cut and is_commit(statement(kind, whole[5:]), self.status):
                cut = self.proxy.choose_cut()
            if cut in (BEFORE, BEFORE_RESET):
                self._cut(cut)
                return
            if cut and kind in (QUERY, SYNC):
                self.is_cut = True
            self.to_server.write(whole)
            await self.to_server.drain()
            if self.is_cut:
                self._cut(cut)
                return

    def _cut(self, kind: str) -> None:
        self.proxy.record_cut(kind)
        if kind in (BEFORE_RESET, AFTER_RESET):
            line: socket.socket = self.to_client.get_extra_info("socket")
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            self.to_client.transport.abort()

    async def _pass_back(self) -> None:
        """Forward from the server to the client, except the answer to a commit that was cut."""
        with suppress(*GONE):
            while True:
                kind, whole = await _message(self.from_server)
                if kind == READY:
                    self.status = whole[5:6]
                if not self.is_cut:
                    self.to_client.write(whole)
                    await self.to_client.drain()
        self.to_client.close()


async def _message(reader: StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    (length,) = struct.unpack("!i", head[1:])
    return head[:1], head + await reader.readexactly(length - 4)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--server", required=True, help="PostgreSQL's socket")
    parser.add_argument("--share", type=float, required=True, help="share of commits that are cut")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--written-to", type=Path, required=True)
    asyncio.run(CommitCuttingProxy(parser.parse_args()).open())
