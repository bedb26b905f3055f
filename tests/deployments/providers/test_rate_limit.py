from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis

from deployments.providers.base import Busy, ProviderName, Urgency
from deployments.providers.rate_limit import ALONE_SHARE, BACKGROUND_SHARE, LIMITS, Budget, open_budget
from deployments.providers.render.client import open_render
from tests.deployments.providers import loopback
from tests.deployments.providers.loopback import answer, line

BACKGROUND, OPERATION = Urgency.BACKGROUND, Urgency.OPERATION
FULL_MINUTE = 1_800_000_000.0  # the first second of a minute


@dataclass
class Clock:
    now: float = FULL_MINUTE

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=2, socket_connect_timeout=2)
    for key in client.scan_iter("budget:*"):
        client.delete(key)
    yield client
    client.close()


def count(budget: Budget, bucket: str, urgency: Urgency, *, subject: str = "", most: int = 1_000) -> int:
    """How many calls the budget allows in a row."""
    for number in range(most):
        try:
            budget.take(bucket, urgency, subject=subject)
        except Busy:
            return number
    return most


def make(client: redis.Redis, clock: Clock, limit: int = 10) -> Budget:
    return Budget(client, ProviderName.RENDER, limits={"reads": limit, "deploys": limit}, clock=clock)


def test_background_calls_stop_at_the_reserve_and_an_operation_uses_it_up(
    server: redis.Redis, clock: Clock
) -> None:
    budget = make(server, clock)
    assert count(budget, "reads", BACKGROUND) == 10 * BACKGROUND_SHARE
    assert count(budget, "reads", OPERATION) == 10 - 10 * BACKGROUND_SHARE


def test_all_workers_share_one_budget(server: redis.Redis, clock: Clock) -> None:
    assert count(make(server, clock), "reads", OPERATION, most=7) == 7
    assert count(make(server, clock), "reads", OPERATION) == 3


def test_workers_that_count_at_once_never_pass_the_limit(server: redis.Redis, clock: Clock) -> None:
    allowed: list[int] = []
    budget = make(server, clock, limit=50)
    threads = [
        threading.Thread(target=lambda: allowed.append(count(budget, "reads", OPERATION, most=20)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(allowed) == 50


def test_each_service_has_its_own_count_where_the_provider_counts_per_service(
    server: redis.Redis, clock: Clock
) -> None:
    budget = make(server, clock)
    assert count(budget, "deploys", OPERATION, subject="srv-1") == 10
    assert count(budget, "deploys", OPERATION, subject="srv-2") == 10


def test_two_accounts_do_not_share(server: redis.Redis, clock: Clock) -> None:
    for account in ("a", "b"):
        budget = Budget(server, ProviderName.RENDER, limits={"reads": 3}, account=account, clock=clock)
        assert count(budget, "reads", OPERATION) == 3


def test_the_window_slides_and_does_not_let_two_minutes_meet(server: redis.Redis, clock: Clock) -> None:
    budget = make(server, clock)
    clock.now = FULL_MINUTE + 59
    assert count(budget, "reads", OPERATION) == 10
    clock.now = FULL_MINUTE + 61
    assert count(budget, "reads", OPERATION) == 0
    clock.now = FULL_MINUTE + 90
    assert count(budget, "reads", OPERATION) == 5
    clock.now = FULL_MINUTE + 300
    assert count(budget, "reads", OPERATION) == 10


def test_after_the_named_wait_there_is_room_again(server: redis.Redis, clock: Clock) -> None:
    budget = make(server, clock)
    count(budget, "reads", OPERATION)
    for _ in range(5):
        with pytest.raises(Busy, match="nothing was sent") as caught:
            budget.take("reads", OPERATION)
        assert 0 < caught.value.retry_after <= 120
        clock.now += caught.value.retry_after + 0.001
        budget.take("reads", OPERATION)
        count(budget, "reads", OPERATION)


def test_a_clock_that_goes_back_does_not_give_more_room(server: redis.Redis, clock: Clock) -> None:
    budget = make(server, clock)
    count(budget, "reads", OPERATION)
    clock.now -= 70
    assert count(budget, "reads", OPERATION) == 0


def test_a_429_holds_the_background_of_all_workers_and_no_operation(
    server: redis.Redis, clock: Clock
) -> None:
    make(server, clock).hold(20)
    budget = make(server, clock)
    with pytest.raises(Busy) as caught:
        budget.take("reads", BACKGROUND)
    assert caught.value.retry_after == pytest.approx(20)
    budget.take("reads", OPERATION)
    clock.now += 21
    budget.take("reads", BACKGROUND)


def test_held_calls_are_not_counted(server: redis.Redis, clock: Clock) -> None:
    budget = make(server, clock)
    budget.hold(20)
    assert count(budget, "reads", BACKGROUND) == 0
    assert count(budget, "reads", OPERATION) == 10


def test_without_redis_operations_go_on_and_the_background_goes_on_slowly() -> None:
    budget = open_budget(loopback.nobody().replace("http", "redis"), ProviderName.RENDER)
    budget.hold(20)
    assert count(budget, "reads", OPERATION, most=1_000) == 1_000
    alone = LIMITS[ProviderName.RENDER]["reads"] * ALONE_SHARE
    assert alone <= count(budget, "reads", BACKGROUND) <= 2 * alone  # twice, if the minute just ended


def test_a_redis_that_hangs_delays_one_call_and_not_every_call() -> None:
    with line(loopback.SILENCE) as told:
        budget = open_budget(told.url.replace("http", "redis"), ProviderName.RENDER)
        began = time.monotonic()
        assert count(budget, "reads", OPERATION, most=500) == 500
        assert time.monotonic() - began < 3


def test_every_bucket_leaves_room_for_the_background_and_for_an_operation() -> None:
    for limits in LIMITS.values():
        for limit in limits.values():
            assert 0 < int(limit * BACKGROUND_SHARE) < limit


def test_a_client_asks_its_budget_before_every_call_and_reports_a_429(
    server: redis.Redis, clock: Clock
) -> None:
    budget = make(server, clock)
    with line(answer("429 Too Many Requests", b"{}", "Retry-After: 33"), answer("200 OK", b"[]")) as told:
        client = open_render(told.url, "rnd_x", budget=budget)
        with pytest.raises(Busy, match="slow down"):
            client.services()
        with pytest.raises(Busy, match="nothing was sent"):
            client.services()
        assert len(told.requests) == 1
        assert client.for_operation().services() == []
        assert len(told.requests) == 2
