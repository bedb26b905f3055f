"""Many services under the providers' published limits, on one clock that only the calls move.

A tenth of the size and of the limits, with ten times the latency. `make bench-services` measures it whole.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import redis
from django.utils import timezone

from deployments.models import ProviderStatus, Service
from deployments.pages.bars import warning_bars
from deployments.pages.current_state import load_current_state
from deployments.pages.sentence import as_text
from deployments.providers.base import Provider, ProviderName, Urgency
from deployments.providers.rate_limit import LIMITS, RateLimit
from deployments.providers.render.client import open_render
from deployments.providers.vercel.client import open_vercel
from deployments.sandbox.clock import Pace
from deployments.sandbox.company.companies import big_company
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.faults import Fault
from deployments.sandbox.server.transport import RENDER_URL, VERCEL_URL, SandboxTransport
from deployments.sync import poll
from deployments.sync.reading import EVENTS_EVERY, events_every
from rollback_portal.jobs import clock
from tests.deployments.conftest import reset_rate_limits

PAIRS, SCALE = 10, 10
PERIOD = 15.0  # seconds between two passes
LENGTH = 240.0  # seconds
MOST = timedelta(seconds=90)
BAD = ("team4-api", "team4-web")


class Clock:
    """The time of day for the portal, the sandbox and the rate limit; stands in for the module `time`."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(second=0, microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def monotonic(self) -> float:
        return self.now.timestamp()

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class SlowTransport(SandboxTransport):
    """Each answer takes a while."""

    def __init__(self, sandbox: Sandbox, clock: Clock) -> None:
        super().__init__(sandbox)
        self.clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.clock.advance(0.2 * SCALE)
        return super().handle_request(request)


@pytest.fixture
def shared_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    shared = Clock()
    monkeypatch.setattr(timezone, "now", shared)
    monkeypatch.setattr(clock, "now", shared)
    monkeypatch.setattr(poll, "time", shared)
    return shared


@pytest.fixture
def clients(db: None, shared_clock: Clock) -> Iterator[dict[str, Provider]]:
    """Both providers' background clients, with a tenth of their limits; one service of each always fails."""
    reset_rate_limits()
    sandbox = Sandbox(big_company(services=2 * PAIRS, deployments=2, clock=shared_clock, pace=Pace.instant()))
    for bad in BAD:
        sandbox.faults.add(Fault(on="*", do="error", times=None, service=bad))
    server = redis.Redis.from_url(os.environ["REDIS_URL"])
    options: dict[str, Any] = {"transport": SlowTransport(sandbox, shared_clock)}

    def limits(name: ProviderName) -> RateLimit:
        scaled = {bucket: max(limit // SCALE, 1) for bucket, limit in LIMITS[name].items()}
        return RateLimit(server, name, limits=scaled, clock=shared_clock.seconds)

    yield {
        "render": open_render(RENDER_URL, "rnd_sandbox", rate_limit=limits(ProviderName.RENDER), **options),
        "vercel": open_vercel(
            VERCEL_URL, "vcp_sandbox", "team_sandbox", rate_limit=limits(ProviderName.VERCEL), **options
        ),
    }
    server.close()


@pytest.mark.parametrize("name", ["render", "vercel"])
def test_each_good_service_is_read_within_90_s_and_the_bad_one_is_named(
    clients: dict[str, Provider], shared_clock: Clock, name: str
) -> None:
    poll.read_services(name, clients[name])
    began, oldest = shared_clock.now, timedelta()
    while shared_clock.now - began < timedelta(seconds=LENGTH):
        due = shared_clock.now + timedelta(seconds=PERIOD)
        poll.read_provider(name, clients[name])
        for service in Service.objects.filter(provider=name).exclude(name__in=BAD):
            oldest = max(oldest, shared_clock.now - (service.synced_at or began))
        shared_clock.now = max(shared_clock.now, due)

    assert oldest <= MOST
    bad = Service.objects.get(provider=name, name__in=BAD)
    assert bad.synced_at is None
    (bar,) = warning_bars_of(name)
    assert bar.startswith(f"NOT READ {bad.name} has never been read: {name.capitalize()} answered 500")
    assert ProviderStatus.objects.get(provider=name).error == ""


def test_the_calls_of_an_operation_wait_for_nothing_while_the_background_share_is_used_up(
    clients: dict[str, Provider], shared_clock: Clock
) -> None:
    poll.read_services("render", clients["render"])
    while not any("its own share" in problem for problem in poll.read_provider("render", clients["render"])):
        pass
    limit = clients["render"].connection._rate_limit  # type: ignore[attr-defined]
    for _ in range(6):
        limit.take("reads", Urgency.OPERATION)
    limit.take("deploys", Urgency.OPERATION, subject="srv-1")


def warning_bars_of(name: str) -> list[str]:
    state = load_current_state(Service.objects.filter(provider=name))
    return [
        f"{bar.word} {as_text(bar.message)}"
        for bar in warning_bars(state)
        if bar.label not in {"Workers and dispatchers", "The queue"}
    ]


@pytest.mark.parametrize("first", [1, 5_000, 123_457])
def test_services_that_were_first_read_at_once_are_not_read_whole_at_once_for_ever(first: int) -> None:
    every = [events_every(Service(pk=pk), 100) for pk in range(first, first + 100)]
    assert min(every) >= EVENTS_EVERY
    assert max(every) <= 2 * EVENTS_EVERY
    in_one_pass = Counter(int(length.total_seconds() // PERIOD) for length in every)
    assert max(in_one_pass.values()) <= 8


def test_few_services_are_read_whole_within_five_minutes() -> None:
    assert all(EVENTS_EVERY / 2 <= events_every(Service(pk=pk), 50) <= EVENTS_EVERY for pk in range(99))
