"""Counts requests against the published rate limits; `Rules.rate_limits` says whether to enforce them."""

from __future__ import annotations

from dataclasses import dataclass

WINDOW = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class WindowUse:
    """What is left of a limit after a request; `reset_in` is in seconds."""

    limit: int
    remaining: int
    reset_in: float

    @property
    def spent(self) -> bool:
        return self.remaining < 0


class RateLimitWindows:
    """One fixed window of a minute per bucket."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[float, int]] = {}

    def use(self, bucket: str, limit: int, now: float) -> WindowUse:
        began, used = self._windows.get(bucket, (now, 0))
        if not 0 <= now - began < WINDOW:
            began, used = now, 0
        used += 1
        self._windows[bucket] = (began, used)
        return WindowUse(limit, limit - used, began + WINDOW - now)
