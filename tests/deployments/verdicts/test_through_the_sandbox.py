"""An hour of a simulated provider, read and judged as workers do, on one clock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from deployments.analysis.verdict import Word
from deployments.metrics import collecting
from deployments.models import Change, ChangeVerdict, Service
from deployments.operations.previous import previous
from deployments.providers.base import Provider, ProviderName
from deployments.providers.rate_limit import RateLimit
from deployments.providers.render.client import open_render
from deployments.sandbox.clock import Pace
from deployments.sandbox.company.companies import small_company
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.faults import Fault
from deployments.sandbox.server.transport import RENDER_URL, SandboxTransport
from deployments.sync import poll
from deployments.verdicts import judging
from rollback_portal.jobs import clock
from tests import factories
from tests.deployments.conftest import reset_rate_limits
from tests.deployments.sync.test_many_services import Clock

NAME = "shop-api"
STEP = 30.0  # seconds
ENOUGH = {"reads": 100_000, "metrics": 100_000}


@dataclass
class Hour:
    """The simulated provider, its client, and the rollback whose verdict is watched."""

    time: Clock
    sandbox: Sandbox
    client: Provider
    change: Change | None = None

    def read(self) -> None:
        collecting.collect("render", self.client)

    def roll_back(self, course: list[dict[str, float]]) -> None:
        """To what served before, whose behaviour from then on is `course`."""
        service = Service.objects.select_related("live").get(name=NAME)
        target, world = previous(service), self.sandbox.world
        assert target is not None
        if course:
            world.somebody_changes_course(NAME, course, target.provider_id)
        acted = self.time.now
        world.somebody_rolls_back(NAME, target.provider_id)
        self.time.advance(5)
        world.settle()
        poll.read_provider("render", self.client)
        times = {"serving": acted.isoformat(), "succeeded": self.time.now.isoformat()}
        operation = factories.operation()
        type(operation).objects.filter(pk=operation.pk).update(requested_at=acted)
        self.change = factories.change(
            service,
            target,
            status="succeeded",
            operation=operation,
            status_times=times,
            order_intent_at=acted,
            ended_at=self.time.now,
        )

    def words(self, minutes: float) -> list[str]:
        """The word at each look of so many minutes."""
        found = []
        for _ in range(round(minutes * 60 / STEP)):
            self.time.advance(STEP)
            self.read()
            judging.judge_due()
            assert self.change is not None
            found.append(ChangeVerdict.objects.get(pk=self.change.pk).word)
        return found


@pytest.fixture
def hour(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hour]:
    """The small company in its incident of 8%; its history of numbers has been read."""
    time = Clock()
    for module in (poll, collecting, judging):
        monkeypatch.setattr(module, "time", time)
    monkeypatch.setattr(clock, "now", time)
    reset_rate_limits()
    sandbox = Sandbox(small_company(clock=time, pace=Pace.instant()))
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as server:
        limit = RateLimit(server, ProviderName.RENDER, limits=ENOUGH, clock=time.seconds)
        transport: Any = SandboxTransport(sandbox)
        client = open_render(RENDER_URL, "rnd_sandbox", rate_limit=limit, transport=transport)
        poll.read_services("render", client)
        poll.read_provider("render", client)
        made = Hour(time, sandbox, client)
        for _ in range(4):  # each also reads an hour of what is missing
            made.read()
        yield made


def good(words: list[str]) -> set[str]:
    return {word for word in words if Word(word).is_good}


def test_a_rollback_that_helps_is_recovered_and_stays_so(hour: Hour) -> None:
    hour.roll_back([])
    words = hour.words(12)
    assert words[0] == Word.CANNOT_TELL
    assert words[-1] == Word.RECOVERED
    assert Word.NOT_RECOVERED not in words


def test_harm_that_begins_half_an_hour_later_is_not_green_any_more(hour: Hour) -> None:
    hour.roll_back([{"after": 1800, "error_rate": 0.08, "latency_ms": 1450}])
    words = hour.words(29)
    assert words[-1] == Word.RECOVERED
    later = hour.words(11)
    assert later[-1] == Word.NOT_RECOVERED
    assert good(later[-6:]) == set()


@pytest.mark.parametrize("share", [0.08, 0.3])
def test_a_target_that_fails_as_well_is_never_green(hour: Hour, share: float) -> None:
    hour.roll_back([{"after": 0, "error_rate": share, "latency_ms": 1450}])
    words = hour.words(12)
    assert (good(words), words[-1]) == (set(), Word.NOT_RECOVERED)


def test_trouble_that_no_deployment_causes_is_never_green(hour: Hour) -> None:
    hour.sandbox.world.somebody_causes_trouble(NAME, error_rate=0.3, since=200)
    hour.roll_back([])
    words = hour.words(12)
    assert (good(words), words[-1]) == (set(), Word.NOT_RECOVERED)


def test_with_a_request_every_twenty_seconds_nothing_is_ever_said(hour: Hour) -> None:
    hour.sandbox.world.somebody_changes_traffic(NAME, 0.05)
    hour.roll_back([])
    assert set(hour.words(20)) == {Word.CANNOT_TELL}


@pytest.mark.parametrize("fault", ["error", "not_json", "unauthorized"])
def test_while_the_numbers_are_away_nothing_is_said_and_what_was_green_is_not_any_more(
    hour: Hour, fault: str
) -> None:
    hour.roll_back([])
    assert hour.words(10)[-1] == Word.RECOVERED
    hour.sandbox.faults.add(Fault("render.metrics", fault, times=None))
    assert set(hour.words(8)[8:]) == {Word.CANNOT_TELL}
