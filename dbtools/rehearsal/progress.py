"""How far a rehearsal is: which of its steps it is at, and how much of the backup is restored."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

STEPS = 12  # of a rehearsal in which nothing fails
REPORT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class RehearsalProgress:
    """What is being done, as a sentence; `done` of `total` bytes at `rate` while the backup is restored."""

    message: str
    step: int
    done: int = 0
    total: int = 0
    rate: float = 0.0
    steps: int = STEPS


class RehearsalMeter:
    """Counts the steps, and reports the restore at most every REPORT_SECONDS."""

    def __init__(self, report: Callable[[RehearsalProgress], None], backup_bytes: int) -> None:
        self._report, self._total = report, backup_bytes
        self._message, self._step, self._began, self._last_report = "", 0, 0.0, 0.0

    def begin(self, message: str) -> None:
        self._message, self._step, self._began = message, self._step + 1, time.monotonic()
        self._report(RehearsalProgress(message, self._step))

    def read(self, done: int) -> None:
        """So many bytes of the backup have been read."""
        now = time.monotonic()
        if now - self._last_report >= REPORT_SECONDS:
            self._last_report = now
            rate = done / max(now - self._began, 0.001)
            self._report(RehearsalProgress(self._message, self._step, done, self._total, rate))
