"""One rate limit per provider, counted in Redis by all workers together.

The providers count per account, so the workers have to count together too. Background calls stop at a
reserve that is left to operations, so that polling can never delay a rollback.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deployments.providers.base import ProviderName, ShareUsedUp, Urgency

MINUTE = 60.0
REDIS_TIMEOUT = 0.25  # seconds; short, because a call to a provider waits for it
BACKGROUND_SHARE = 0.7  # of a limit; the rest is the reserve for operations
BACKGROUND_ONLY = {
    "metrics",
    "logs",
    "build events",
}  # no operation makes these calls, so they need no reserve
LOCAL_SHARE = 0.1  # of a limit, for the background calls of one process while Redis is down
RETRY_REDIS_AFTER = 5.0  # seconds

# Calls per minute.
# Reference: https://api-docs.render.com/reference/rate-limiting (a rollback is not in that table; it is
# counted with the deploys, which is the stricter reading) and https://vercel.com/docs/limits (rollback and
# promote are not in that table; theirs is an estimate). Logs and metrics have limits of
# their own, so that somebody who looks at them takes nothing from readings or operations.
LIMITS: dict[ProviderName, dict[str, int]] = {
    # Render counts every GET together, 400 of them.
    ProviderName.RENDER: {"reads": 300, "metrics": 60, "logs": 40, "writes": 30, "deploys": 10},
    ProviderName.VERCEL: {
        "list": 1000,
        "reads": 500,
        "events": 10,
        "logs": 100,
        "build events": 60,
        "writes": 100,
    },
}

# Redis tells the time, so that workers whose clocks differ count in one minute.
NOW = """
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end
"""

# A sliding window made of two counters in one hash: this minute's, and last minute's, which counts less and
# less as the minute passes. Returns the seconds to wait, or "0" where the call has been counted.
TAKE = f"""{NOW}
local allowed, held = tonumber(ARGV[2]), tonumber(KEYS[2] and redis.call('GET', KEYS[2]) or '0') or 0
if held > now then return tostring(held - now) end
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
HOLD = f"{NOW} redis.call('SET', KEYS[1], now + ARGV[2], 'PX', math.ceil(ARGV[2] * 1000))"


@dataclass(slots=True)
class _LocalCount:
    """The calls of this process in the current minute."""

    minute: int = 0
    used: int = 0


def open_rate_limit(url: str, provider: ProviderName, *, account: str = "") -> RateLimit:
    """The rate limit of one provider in the Redis at `url`, with short timeouts and no retries."""
    client = redis.Redis.from_url(
        url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT, retry=Retry(NoBackoff(), 0)
    )
    return RateLimit(client, provider, account=account)


class RateLimit:
    """Counts the calls to one provider; asked before every request.

    While Redis is down, operations are not counted and background calls get a tenth of the limit per process.
    """

    def __init__(
        self,
        client: redis.Redis,
        provider: ProviderName,
        *,
        limits: dict[str, int] | None = None,
        account: str = "",
        clock: Callable[[], float] | None = None,
    ) -> None:
        """`account` keeps two accounts at one provider apart; `clock` (seconds) replaces Redis's."""
        self._redis = client
        self._provider = provider
        self._limits = LIMITS[provider] if limits is None else limits
        self._prefix = f"rate-limit:{provider}:{account}"
        self._shared_clock = clock
        self._own_clock = clock or time.monotonic
        self._redis_down_until = -math.inf
        self._local_counts: dict[str, _LocalCount] = {}
        self._lock = threading.Lock()

    def take(self, bucket: str, urgency: Urgency, *, subject: str = "") -> None:
        """Count one call in `bucket`, and for `subject` where the provider counts per service.

        Raises ShareUsedUp with the seconds to wait where the share is used up; nothing was sent then.
        """
        wait = self._wait(f"{self._prefix}:{bucket}:{subject}", bucket, urgency)
        if wait > 0:
            whose = "operations" if urgency is Urgency.OPERATION else "background reads"
            raise ShareUsedUp(
                f"The portal has used up its own share of {self._provider.capitalize()}'s rate limit for "
                f"{whose}; nothing was sent, again in {max(wait, 1.0):.0f} s.",
                retry_after=max(wait, 1.0),
            )

    def hold(self, bucket: str, seconds: float) -> None:
        """After a 429: hold back the background calls of this kind, of all workers, for so many seconds."""
        if seconds <= 0:
            return
        try:
            self._redis.eval(HOLD, 1, f"{self._prefix}:{bucket}:hold", self._now(), repr(seconds))
        except redis.RedisError:
            self._redis_down_until = self._own_clock() + RETRY_REDIS_AFTER

    def _wait(self, key: str, bucket: str, urgency: Urgency) -> float:
        if self._own_clock() >= self._redis_down_until:
            try:
                return self._wait_in_redis(key, bucket, urgency)
            except redis.RedisError:
                self._redis_down_until = self._own_clock() + RETRY_REDIS_AFTER
        return self._wait_locally(key, bucket, urgency)

    def _wait_in_redis(self, key: str, bucket: str, urgency: Urgency) -> float:
        limit = self._limits[bucket]
        if urgency is Urgency.OPERATION:
            keys, allowed = [key], limit
        else:
            share = 1.0 if bucket in BACKGROUND_ONLY else BACKGROUND_SHARE
            keys, allowed = [key, f"{self._prefix}:{bucket}:hold"], max(1, int(limit * share))
        wait: Any = self._redis.eval(TAKE, len(keys), *keys, self._now(), str(allowed))
        return max(0.0, float(wait))

    def _now(self) -> str:
        """What the scripts take for now: nothing lets Redis look at its own clock."""
        return repr(self._shared_clock()) if self._shared_clock else ""

    def _wait_locally(self, key: str, bucket: str, urgency: Urgency) -> float:
        if urgency is Urgency.OPERATION:
            return 0.0
        now = self._own_clock()
        with self._lock:
            count = self._local_counts.setdefault(key, _LocalCount())
            if count.minute != int(now // MINUTE):
                count.minute, count.used = int(now // MINUTE), 0
            if count.used >= max(1, int(self._limits[bucket] * LOCAL_SHARE)):
                return MINUTE - now % MINUTE
            count.used += 1
            return 0.0
