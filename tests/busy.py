"""How much longer everything takes because this machine does other work, too.

A bound in seconds is a promise for a machine that has nothing else to do. Where a test holds something to it,
the bound is stretched by what the other work cost in that very time.
"""

from __future__ import annotations

import time
from threading import Event, Thread

BIT = 0.05  # seconds of a processor
PAUSE = 0.25  # seconds between two bits


class Busy:
    """Does a bit of work now and then, and compares how long it took with how long it was worked on."""

    def __init__(self) -> None:
        self.took = self.worked = 0.0
        self.over = Event()
        self.thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Busy:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    @property
    def times(self) -> float:
        """1.0 where nobody else wanted a processor."""
        return max(1.0, self.took / self.worked)

    def _watch(self) -> None:
        while True:
            began, worked = time.monotonic(), time.thread_time()
            while time.thread_time() - worked < BIT:
                sum(range(1000))
            self.took += time.monotonic() - began
            self.worked += time.thread_time() - worked
            if self.over.wait(PAUSE):
                return
