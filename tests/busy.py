"""Measures how much other work on this machine slows everything down.

A limit in seconds holds for an idle machine. A test that checks it multiplies the limit by the slowdown
measured during that time.
"""

from __future__ import annotations

import time
from threading import Event, Thread

BIT = 0.05  # seconds of processor time
PAUSE = 0.25  # seconds between two bits


class Busy:
    """Does some work now and then, and compares its elapsed time with its processor time."""

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
        """The slowdown; 1.0 on an idle machine."""
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
