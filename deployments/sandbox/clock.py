"""How fast the sandbox's world moves, which rules it plays by, and what time it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

Clock = Callable[[], datetime]


def utcnow() -> datetime:
    return datetime.now(UTC)


class StoppedClock:
    """A clock for tests: it stands still until somebody advances it, and nothing ever sleeps."""

    def __init__(self, at: datetime = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that each stage takes. A Render rollback takes `queue + release`, a Vercel one `aliases`."""

    queue: float  # ordered until work begins
    build: float
    pre_deploy: float  # Render only
    release: float  # Render: new instances start and become healthy
    aliases: float  # Vercel: the domains move, from pending to succeeded
    rolling: float  # Vercel: an active rolling release completes by itself

    @classmethod
    def local(cls) -> Pace:
        """A demonstration that one can watch: Render rolls back in 12 s, Vercel in 2 s."""
        return cls(queue=2, build=20, pre_deploy=3, release=10, aliases=2, rolling=30)

    @classmethod
    def fast(cls) -> Pace:
        """For browser journeys and conformance runs: everything within two seconds."""
        return cls(queue=0.2, build=0.8, pre_deploy=0.2, release=0.6, aliases=0.5, rolling=1.5)

    @classmethod
    def instant(cls) -> Pace:
        """For tests on the real clock that do not look at the stages."""
        return cls(queue=0.01, build=0.02, pre_deploy=0.01, release=0.02, aliases=0.02, rolling=0.05)


PACES: dict[str, Callable[[], Pace]] = {"local": Pace.local, "fast": Pace.fast, "instant": Pace.instant}


@dataclass(slots=True)
class Rules:
    """What the two workspaces are set to; may be changed while the sandbox runs."""

    plan: Literal["hobby", "pro"] = "pro"  # Vercel: hobby may only go one production deployment back (402)
    overlap: Literal["wait", "override"] = "wait"  # Render: a deploy ordered while another one runs
    pre_deploy_on_rollback: bool = False  # Render: undocumented, so it can be either
    kept_builds: int = 200  # Render: builds that can still be rolled back to
    rate_limits: bool = False  # answer 429 when the published budgets are used up
    reset_reading: Literal["delta", "epoch"] = "delta"  # Render: both readings of Ratelimit-Reset exist
