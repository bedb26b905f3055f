"""A socket on loopback that says exactly these bytes: for what a well-behaved server cannot show."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

SILENCE = b"(silence)"
HANG_UP = b"(hang up)"


@dataclass
class Line:
    url: str
    requests: list[bytes] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def line(*script: bytes) -> Iterator[Line]:
    """Each connection reads one request, sends its bytes of the script and hangs up; SILENCE waits."""
    server = socket.create_server(("127.0.0.1", 0))
    told = Line(f"http://127.0.0.1:{server.getsockname()[1]}")
    thread = threading.Thread(target=_serve, args=(server, told, script), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        told.released.set()
        server.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for a connection
        server.close()
        thread.join(5)


def answer(status: str, body: bytes, *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers])
    return head.encode() + b"\r\n\r\n" + body


def nobody() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def _serve(server: socket.socket, told: Line, script: tuple[bytes, ...]) -> None:
    for number in range(1_000):
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(5)
            told.requests.append(_request(connection))
            words = script[min(number, len(script) - 1)]
            if words == SILENCE:
                told.released.wait(10)
            elif words != HANG_UP:
                connection.sendall(words)


def _request(connection: socket.socket) -> bytes:
    """The head and as much body as it announces."""
    told = b""
    try:
        while b"\r\n\r\n" not in told:
            piece = connection.recv(65_536)
            if not piece:
                return told
            told += piece
        head, _, body = told.partition(b"\r\n\r\n")
        lengths = [row for row in head.lower().split(b"\r\n") if row.startswith(b"content-length:")]
        wanted = int(lengths[0].split(b":")[1]) if lengths else 0
        while len(body) < wanted:
            body += connection.recv(65_536)
    except OSError:
        return told
    return head + b"\r\n\r\n" + body
