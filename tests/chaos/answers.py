"""Unusual answers to an order, and how the sandbox gives each of them on a real connection.

They come from a list that the seed shuffles, so that each kind comes equally often.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from random import Random

from deployments.sandbox.server.faults import Fault
from deployments.sandbox.server.http import SandboxResponse

SILENCE = 4.0  # seconds; longer than the client's patience in these runs, which is 3
FINE = 2  # orders of each round that are answered as documented
SHARE_OF_DUPLICATES = 0.3  # of lists
LISTS = ("render.deploys", "vercel.deployments")
NO_LINGER = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Odd(Fault):
    """A fault with a name for the counts; the sandbox knows the base class, the rest is implemented here."""

    name: str = ""
    retry: str = ""  # another Retry-After; `date` for the provider's own clock in a second

    def __post_init__(self) -> None:
        """Skip the sandbox's check of known faults."""


RESET, TRUNCATED, DUPLICATES = "reset", "truncated", "duplicates"
SEND_AGAIN_LATER = {
    "429, Retry-After in seconds": "1",
    "429, Retry-After as a date": "date",
    "429, Retry-After is garbage": "soon; or later",
    "429, Retry-After is -1": "-1",
    "429, Retry-After is 10^9": "1000000000",
}
# The sandbox's fault, its detail, and its seconds.
OTHERS: Mapping[str, tuple[str, str, float | None]] = {
    "500 before": ("error", "500", None),
    "502 after": ("error_after", "502", None),
    "reset after": (RESET, "", None),
    "200 with HTML": ("not_json", "", None),
    "200 with half of its JSON": (TRUNCATED, "", None),
    "silence, not done": ("drop_before", "", SILENCE),
    "silence, done": ("slow", "", SILENCE),
}
ORDERS = (*SEND_AGAIN_LATER, *OTHERS)
TWICE = "a list that names each deployment twice"


def odd(name: str, operation: str) -> Odd:
    """Return the fault of this name."""
    if name in SEND_AGAIN_LATER:
        return Odd(operation, "rate_limit", seconds=1, name=name, retry=SEND_AGAIN_LATER[name])
    do, detail, seconds = OTHERS[name]
    return Odd(operation, do, seconds=seconds, detail=detail, name=name)


class Deck:
    """Chooses the answers to orders: each unusual one once and some normal ones, then all again."""

    def __init__(self, seed: int) -> None:
        self.random = Random(f"deck {seed}")
        self.left: list[str] = []

    def deal(self, operation: str) -> list[Fault]:
        """Return the next fault, or an empty list for a normal answer. Not thread-safe."""
        if not self.left:
            self.left = [*ORDERS, *[""] * FINE]
            self.random.shuffle(self.left)
        name = self.left.pop()
        return [odd(name, operation)] if name else []

    def deal_list(self, operation: str) -> list[Fault]:
        if self.random.random() < SHARE_OF_DUPLICATES:
            return [Odd(operation, DUPLICATES, name=TWICE)]
        return []


def play(
    answer: SandboxResponse, met: Sequence[Fault], now: datetime, given: Counter[str]
) -> SandboxResponse:
    """Apply the part of unusual answers that the sandbox does not know, and count all of them."""
    for fault in met:
        if isinstance(fault, Odd):
            given[fault.name] += 1
            _play(answer, fault, now)
    return answer


def _play(answer: SandboxResponse, fault: Odd, now: datetime) -> None:
    if fault.retry:
        _retry_after(answer, fault.retry, now)
    elif fault.do == "drop_before":
        answer.delay = fault.seconds or 0.0
    elif fault.do == RESET:
        answer.outcome = "dropped"
    elif fault.do == TRUNCATED:
        answer.body = answer.body[: len(answer.body) // 2] or b'{"id":'
    elif fault.do == DUPLICATES and answer.status == 200:
        answer.body = _each_twice(answer.body)


def _retry_after(answer: SandboxResponse, wait: str, now: datetime) -> None:
    value = format_datetime(now + timedelta(seconds=1), usegmt=True) if wait == "date" else wait
    others = [header for header in answer.headers if header[0] != "Retry-After"]
    answer.headers = [*others, ("Retry-After", value)]


def _each_twice(body: bytes) -> bytes:
    """Duplicate each row: Render's answer is the list (with cursors), Vercel's has it in `deployments`."""
    data = json.loads(body)
    if isinstance(data, list):
        data = [row for row in data for _ in range(2)]
    else:
        data["deployments"] = [row for row in data["deployments"] for _ in range(2)]
    return json.dumps(data).encode()


class ResettingConnection:
    """A connection that is closed with RST instead of FIN."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def shutdown(self, how: int) -> None:
        """Reset it.

        Raises:
            ConnectionResetError: always, so that the server writes nothing more.
        """
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        os.close(self.connection.detach())
        raise ConnectionResetError(errno.ECONNRESET, "the connection was reset on purpose")
