"""The sandbox's clock, how long each stage of a deployment takes, and the providers' settings that vary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

Clock = Callable[[], datetime]


def utcnow() -> datetime:
    return datetime.now(UTC)


class StoppedClock:
    """A clock for tests that stands still until it is advanced, so that nothing ever sleeps."""

    def __init__(self, at: datetime = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that each stage takes. A Render rollback takes `queue + release`, a Vercel one `aliases`."""

    queue: float  # from the order until the work begins
    build: float
    pre_deploy: float  # Render only
    release: float  # Render: new instances start and become healthy
    aliases: float  # Vercel: the domains move, pending to succeeded
    rolling: float  # Vercel: an active rolling release completes by itself

    @classmethod
    def local(cls) -> Pace:
        """Slow enough to watch: Render rolls back in 12 s, Vercel in 2 s."""
        return cls(queue=2, build=20, pre_deploy=3, release=10, aliases=2, rolling=30)

    @classmethod
    def fast(cls) -> Pace:
        """For browser tests and conformance runs: every stage takes less than two seconds."""
        return cls(queue=0.2, build=0.8, pre_deploy=0.2, release=0.6, aliases=0.5, rolling=1.5)

    @classmethod
    def instant(cls) -> Pace:
        """For tests on the real clock to which the stages do not matter."""
        return cls(queue=0.01, build=0.02, pre_deploy=0.01, release=0.02, aliases=0.02, rolling=0.05)


PACES: dict[str, Callable[[], Pace]] = {"local": Pace.local, "fast": Pace.fast, "instant": Pace.instant}


@dataclass(slots=True)
class Rules:
    """Settings and undocumented choices of the providers; may be changed while the sandbox runs."""

    plan: Literal["hobby", "pro"] = (
        "pro"  # Vercel: with hobby, only one production deployment back (else 402)
    )
    overlap: Literal["wait", "override"] = "wait"  # Render: a deploy ordered while another one runs
    pre_deploy_on_rollback: bool = False  # Render: undocumented, so both are possible
    kept_builds: int = 200  # Render: builds that can still be rolled back to
    rate_limits: bool = False  # answer 429 once a published rate limit is used up
    reset_reading: Literal["delta", "epoch"] = "delta"  # Render documents Ratelimit-Reset in both ways
