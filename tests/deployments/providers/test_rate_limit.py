"""The rate limit that all workers share through Redis."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis

from deployments.providers.base import Busy, ProviderName, Urgency
from deployments.providers.rate_limit import (
    BACKGROUND_SHARE,
    LIMITS,
    LOCAL_SHARE,
    RETRY_REDIS_AFTER,
    RateLimit,
    open_rate_limit,
)
from deployments.providers.render.client import open_render
from tests.deployments.providers import scripted_server
from tests.deployments.providers.scripted_server import answer, connection_attempts, scripted

BACKGROUND, OPERATION = Urgency.BACKGROUND, Urgency.OPERATION
FULL_MINUTE = 1_800_000_000.0  # the first second of a minute


@dataclass
class Clock:
    now: float = FULL_MINUTE

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall_clock() -> Clock:
    return Clock()


@pytest.fixture
def redis_client() -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=2, socket_connect_timeout=2)
    for key in client.scan_iter("rate-limit:*"):
        client.delete(key)
    yield client
    client.close()


def count(
    rate_limit: RateLimit, bucket: str, urgency: Urgency, *, subject: str = "", most: int = 1_000
) -> int:
    """How many calls the rate limit allows in a row."""
    for number in range(most):
        try:
            rate_limit.take(bucket, urgency, subject=subject)
        except Busy:
            return number
    return most


def make(client: redis.Redis, wall_clock: Clock, limit: int = 10) -> RateLimit:
    return RateLimit(client, ProviderName.RENDER, limits={"reads": limit, "deploys": limit}, clock=wall_clock)


def test_background_calls_stop_at_the_reserve_which_an_operation_may_use(
    redis_client: redis.Redis, wall_clock: Clock
) -> None:
    rate_limit = make(redis_client, wall_clock)
    assert count(rate_limit, "reads", BACKGROUND) == 10 * BACKGROUND_SHARE
    assert count(rate_limit, "reads", OPERATION) == 10 - 10 * BACKGROUND_SHARE


def test_all_workers_share_one_rate_limit(redis_client: redis.Redis, wall_clock: Clock) -> None:
    assert count(make(redis_client, wall_clock), "reads", OPERATION, most=7) == 7
    assert count(make(redis_client, wall_clock), "reads", OPERATION) == 3


def test_workers_that_count_concurrently_never_exceed_the_limit(
    redis_client: redis.Redis, wall_clock: Clock
) -> None:
    allowed: list[int] = []
    rate_limit = make(redis_client, wall_clock, limit=50)
    threads = [
        threading.Thread(target=lambda: allowed.append(count(rate_limit, "reads", OPERATION, most=20)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(allowed) == 50


def test_each_service_has_its_own_count_where_the_provider_counts_per_service(
    redis_client: redis.Redis, wall_clock: Clock
) -> None:
    rate_limit = make(redis_client, wall_clock)
    assert count(rate_limit, "deploys", OPERATION, subject="srv-1") == 10
    assert count(rate_limit, "deploys", OPERATION, subject="srv-2") == 10


def test_two_accounts_have_separate_rate_limits(redis_client: redis.Redis, wall_clock: Clock) -> None:
    for account in ("a", "b"):
        rate_limit = RateLimit(
            redis_client, ProviderName.RENDER, limits={"reads": 3}, account=account, clock=wall_clock
        )
        assert count(rate_limit, "reads", OPERATION) == 3


def test_the_window_slides_so_that_two_minutes_do_not_add_up(
    redis_client: redis.Redis, wall_clock: Clock
) -> None:
    rate_limit = make(redis_client, wall_clock)
    wall_clock.now = FULL_MINUTE + 59
    assert count(rate_limit, "reads", OPERATION) == 10
    wall_clock.now = FULL_MINUTE + 61
    assert count(rate_limit, "reads", OPERATION) == 0
    wall_clock.now = FULL_MINUTE + 90
    assert count(rate_limit, "reads", OPERATION) == 5
    wall_clock.now = FULL_MINUTE + 300
    assert count(rate_limit, "reads", OPERATION) == 10


def test_after_the_stated_wait_a_call_is_allowed_again(redis_client: redis.Redis, wall_clock: Clock) -> None:
    rate_limit = make(redis_client, wall_clock)
    count(rate_limit, "reads", OPERATION)
    for _ in range(5):
        with pytest.raises(Busy, match="nothing was sent") as caught:
            rate_limit.take("reads", OPERATION)
        assert 0 < caught.value.retry_after <= 120
        wall_clock.now += caught.value.retry_after + 0.001
        rate_limit.take("reads", OPERATION)
        count(rate_limit, "reads", OPERATION)


def test_a_clock_that_goes_back_allows_no_more_calls(redis_client: redis.Redis, wall_clock: Clock) -> None:
    rate_limit = make(redis_client, wall_clock)
    count(rate_limit, "reads", OPERATION)
    wall_clock.now -= 70
    assert count(rate_limit, "reads", OPERATION) == 0


def test_workers_whose_clocks_differ_count_in_one_minute(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"reads": 10}
    for ahead in (-3600.0, 3600.0, 0.0):
        monkeypatch.setattr(time, "time", lambda ahead=ahead: FULL_MINUTE + ahead)
        rate_limit = RateLimit(redis_client, ProviderName.RENDER, limits=limits)
        rate_limit.hold("reads", 20)
        count(rate_limit, "reads", OPERATION)
        with pytest.raises(Busy) as caught:
            rate_limit.take("reads", BACKGROUND)
        assert caught.value.retry_after == pytest.approx(20, abs=5)
    [window] = redis_client.keys("rate-limit:*:reads:")
    minute, used, before = (
        int(number or 0) for number in redis_client.hmget(window, ["minute", "used", "before"])
    )
    assert abs(minute * 60 - redis_client.time()[0]) <= 60
    assert used + before == 10


def test_a_429_holds_back_background_calls_of_all_workers_but_no_operation(
    redis_client: redis.Redis, wall_clock: Clock
) -> None:
    make(redis_client, wall_clock).hold("reads", 20)
    rate_limit = make(redis_client, wall_clock)
    with pytest.raises(Busy) as caught:
        rate_limit.take("reads", BACKGROUND)
    assert caught.value.retry_after == pytest.approx(20)
    rate_limit.take("reads", OPERATION)
    rate_limit.take("deploys", BACKGROUND)  # each kind of call has a limit of its own
    wall_clock.now += 21
    rate_limit.take("reads", BACKGROUND)


def test_calls_that_are_held_back_are_not_counted(redis_client: redis.Redis, wall_clock: Clock) -> None:
    rate_limit = make(redis_client, wall_clock)
    rate_limit.hold("reads", 20)
    assert count(rate_limit, "reads", BACKGROUND) == 0
    assert count(rate_limit, "reads", OPERATION) == 10


def test_without_redis_operations_are_not_limited_and_background_calls_are_slowed_down() -> None:
    rate_limit = open_rate_limit(scripted_server.unused_url().replace("http", "redis"), ProviderName.RENDER)
    rate_limit.hold("reads", 20)
    assert count(rate_limit, "reads", OPERATION, most=1_000) == 1_000
    local_limit = LIMITS[ProviderName.RENDER]["reads"] * LOCAL_SHARE
    assert (
        local_limit <= count(rate_limit, "reads", BACKGROUND) <= 2 * local_limit
    )  # twice, where a minute ends


def test_a_hanging_redis_delays_one_call_and_not_every_call(wall_clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        rate_limit = open_rate_limit(f"redis://127.0.0.1:{server.getsockname()[1]}/0", ProviderName.RENDER)
        rate_limit._own_clock = wall_clock
        assert count(rate_limit, "reads", OPERATION, most=500) == 500
        assert connection_attempts(server) == 1
        wall_clock.now += RETRY_REDIS_AFTER
        assert count(rate_limit, "reads", OPERATION, most=500) == 500
        assert connection_attempts(server) == 1


def test_every_limit_has_a_background_share_and_a_reserve() -> None:
    for limits in LIMITS.values():
        for limit in limits.values():
            assert 0 < int(limit * BACKGROUND_SHARE) < limit


def test_a_client_counts_every_call_and_reports_a_429(redis_client: redis.Redis, wall_clock: Clock) -> None:
    rate_limit = make(redis_client, wall_clock)
    responses = (answer("429 Too Many Requests", b"{}", "Retry-After: 33"), answer("200 OK", b"[]"))
    with scripted(*responses) as provider:
        background = open_render(provider.url, "rnd_x", rate_limit=rate_limit)
        with pytest.raises(Busy, match="slow down"):
            background.services()
        with pytest.raises(Busy, match="nothing was sent"):
            background.services()
        assert len(provider.requests) == 1
        for_operations = open_render(provider.url, "rnd_x", rate_limit=rate_limit, urgency=OPERATION)
        assert for_operations.services() == []
        assert len(provider.requests) == 2
