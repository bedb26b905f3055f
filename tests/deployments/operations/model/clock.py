"""One clock for the portal and the sandbox: it moves only when a test advances it.

Hours of waiting cost nothing, and the same events give the same times to the millisecond.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

TICK = 0.001  # seconds per call, so that no two calls return the same time


class Clock:
    """Calling it gives the time of day. It also stands in for the module `time`."""

    def __init__(self) -> None:
        self.began = datetime.now(UTC)
        self.passed = 0.0  # seconds

    def __call__(self) -> datetime:
        self.passed += TICK
        return self.began + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        self.passed += TICK
        return self.passed

    def advance(self, seconds: float) -> None:
        self.passed += seconds
