"""The published request budgets: counted always, enforced where `Rules.rate_limits` says so."""

from __future__ import annotations

from dataclasses import dataclass

WINDOW = 60.0


@dataclass(frozen=True, slots=True)
class Budget:
    limit: int
    remaining: int
    reset_in: float

    @property
    def spent(self) -> bool:
        return self.remaining < 0


class Limits:
    """One fixed window per bucket, a minute long."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[float, int]] = {}

    def use(self, bucket: str, limit: int, now: float) -> Budget:
        began, used = self._windows.get(bucket, (now, 0))
        if not 0 <= now - began < WINDOW:
            began, used = now, 0
        used += 1
        self._windows[bucket] = (began, used)
        return Budget(limit, limit - used, began + WINDOW - now)
