"""A server on loopback that sends exactly the given bytes, for what a well-behaved server cannot show."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

NO_RESPONSE = b"(no response)"  # keep the connection open and send nothing
HANG_UP = b"(hang up)"  # close the connection without sending anything


@dataclass
class ScriptedServer:
    """The running server: its URL and the requests that it has received."""

    url: str
    requests: list[bytes] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def scripted(*responses: bytes) -> Iterator[ScriptedServer]:
    """Answer each connection's one request with the next of the responses, then with the last one again."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = ScriptedServer(f"http://127.0.0.1:{listening.getsockname()[1]}")
    thread = threading.Thread(target=_serve, args=(listening, server, responses), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for a connection
        listening.close()
        thread.join(5)


def answer(status: str, body: bytes, *headers: str) -> bytes:
    """A whole HTTP response as bytes."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers])
    return head.encode() + b"\r\n\r\n" + body


def connection_attempts(server: socket.socket) -> int:
    """How many clients have connected to a server that accepts nobody by itself."""
    server.setblocking(False)
    for number in count():
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return number
    raise AssertionError("unreachable")


def unused_url() -> str:
    """A URL on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


def _serve(listening: socket.socket, server: ScriptedServer, responses: tuple[bytes, ...]) -> None:
    for number in range(1_000):
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(5)
            server.requests.append(_request(connection))
            response = responses[min(number, len(responses) - 1)]
            if response == NO_RESPONSE:
                server.released.wait(10)
            elif response != HANG_UP:
                connection.sendall(response)


def _request(connection: socket.socket) -> bytes:
    """The head of a request, and as much body as it announces."""
    received = b""
    try:
        while b"\r\n\r\n" not in received:
            piece = connection.recv(65_536)
            if not piece:
                return received
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        lengths = [row for row in head.lower().split(b"\r\n") if row.startswith(b"content-length:")]
        announced = int(lengths[0].split(b":")[1]) if lengths else 0
        while len(body) < announced:
            body += connection.recv(65_536)
    except OSError:
        return received
    return head + b"\r\n\r\n" + body
