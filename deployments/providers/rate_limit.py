"""One rate budget per provider, shared by all workers through Redis.

The providers count per account, so the workers must count together. Background reading stops at a reserve;
what is left belongs to operations, so that a page full of polls can never delay a rollback.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deployments.providers.base import Busy, ProviderName, Urgency

MINUTE = 60.0
PATIENCE = 0.25  # seconds for Redis: a call must not wait for its budget
BACKGROUND_SHARE = 0.6
ALONE_SHARE = 0.1  # of a limit, per process, for background calls while Redis is away
AWAY_FOR = 5.0  # seconds during which a Redis that failed is not asked again

# Calls per minute. Reference: https://api-docs.render.com/reference/rate-limiting
# (rollback is not in that table, so it is counted with the deploys: the stricter reading)
# and https://vercel.com/docs/limits (rollback and promote are not in that table: an estimate).
LIMITS: dict[ProviderName, dict[str, int]] = {
    ProviderName.RENDER: {"reads": 400, "writes": 30, "deploys": 10},
    ProviderName.VERCEL: {"list": 1000, "reads": 500, "events": 10, "logs": 100, "writes": 100},
}

# Two counters, this minute's and the last one's, the latter fading out as the minute passes: a window that
# slides, in one small hash. Returns the seconds to wait, "0" where the call was counted.
TAKE = """
local now, allowed = tonumber(ARGV[1]), tonumber(ARGV[2])
local minute = math.floor(now / 60)
local seen = redis.call('HMGET', KEYS[1], 'minute', 'used', 'before')
local used, before = tonumber(seen[2]) or 0, tonumber(seen[3]) or 0
local last = tonumber(seen[1]) or minute
if last < minute - 1 then used, before = 0, 0 end
if last == minute - 1 then used, before = 0, used end
local elapsed = now - minute * 60
if used + 1 > allowed then
  return tostring(60 - elapsed + 60 * (1 - (allowed - 1) / used))
end
if used + before * (1 - elapsed / 60) + 1 > allowed then
  return tostring(60 * (1 - (allowed - used - 1) / before) - elapsed)
end
redis.call('HSET', KEYS[1], 'minute', math.max(minute, last), 'used', used + 1, 'before', before)
redis.call('EXPIRE', KEYS[1], 180)
return '0'
"""


@dataclass(slots=True)
class _Alone:
    """What this process alone has called in the current minute."""

    minute: int = 0
    used: int = 0


def open_budget(url: str, provider: ProviderName, *, account: str = "") -> Budget:
    """The budget of one provider in the Redis at `url`, which is asked once and for a short time only."""
    client = redis.Redis.from_url(
        url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
    )
    return Budget(client, provider, account=account)


class Budget:
    """Counts calls to one provider; asked before every request.

    While Redis is away, operations go on uncounted and background calls go on at a tenth of the limit.
    """

    def __init__(
        self,
        client: redis.Redis,
        provider: ProviderName,
        *,
        limits: dict[str, int] | None = None,
        account: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`account` keeps two accounts at one provider apart; `clock` gives seconds since 1970."""
        self._redis = client
        self._provider = provider
        self._limits = LIMITS[provider] if limits is None else limits
        self._prefix = f"budget:{provider}:{account}"
        self._clock = clock
        self._away_until = 0.0
        self._alone: dict[str, _Alone] = {}
        self._lock = threading.Lock()

    def take(self, bucket: str, urgency: Urgency, *, subject: str = "") -> None:
        """Count one call in `bucket` (of `subject`, where the provider counts per service).

        Raises Busy, with the seconds to wait, where there is no room; then nothing was sent.
        """
        wait = self._wait(f"{self._prefix}:{bucket}:{subject}", bucket, urgency)
        if wait > 0:
            whose = "an operation's" if urgency is Urgency.OPERATION else "the background"
            raise Busy(
                f"The share of {self._provider.capitalize()}'s rate limit for {whose} calls is used up; "
                f"nothing was sent, again in {max(wait, 1.0):.0f} s.",
                retry_after=max(wait, 1.0),
            )

    def hold(self, seconds: float) -> None:
        """The provider said 429: all background calls of all workers wait this long."""
        try:
            until = self._clock() + seconds
            self._redis.set(f"{self._prefix}:hold", until, px=max(1, int(seconds * 1000)))
        except redis.RedisError:
            self._away_until = self._clock() + AWAY_FOR

    def _wait(self, key: str, bucket: str, urgency: Urgency) -> float:
        if self._clock() >= self._away_until:
            try:
                return self._held(urgency) or self._shared(key, bucket, urgency)
            except redis.RedisError:
                self._away_until = self._clock() + AWAY_FOR
        return self._wait_alone(key, bucket, urgency)

    def _held(self, urgency: Urgency) -> float:
        if urgency is Urgency.OPERATION:
            return 0.0
        until: Any = self._redis.get(f"{self._prefix}:hold")
        return max(0.0, float(until) - self._clock()) if until else 0.0

    def _shared(self, key: str, bucket: str, urgency: Urgency) -> float:
        limit = self._limits[bucket]
        allowed = limit if urgency is Urgency.OPERATION else max(1, int(limit * BACKGROUND_SHARE))
        answer: Any = self._redis.eval(TAKE, 1, key, repr(self._clock()), str(allowed))
        return max(0.0, float(answer))

    def _wait_alone(self, key: str, bucket: str, urgency: Urgency) -> float:
        if urgency is Urgency.OPERATION:
            return 0.0
        now = self._clock()
        with self._lock:
            mine = self._alone.setdefault(key, _Alone())
            if mine.minute != int(now // MINUTE):
                mine.minute, mine.used = int(now // MINUTE), 0
            if mine.used >= max(1, int(self._limits[bucket] * ALONE_SHARE)):
                return MINUTE - now % MINUTE
            mine.used += 1
            return 0.0
