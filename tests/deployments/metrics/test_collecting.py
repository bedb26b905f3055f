"""Reading the providers' metrics: every kind of answer, outages, and the limits."""

from __future__ import annotations

import os
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import redis
from django.db.models import Max, Sum

from deployments.clients import provider
from deployments.metrics import collecting, pace
from deployments.metrics.pace import call_plan
from deployments.models import MetricPoint, MetricReading, Service
from deployments.providers.base import ProviderName
from deployments.providers.rate_limit import LIMITS, RateLimit
from deployments.providers.render.client import open_render
from deployments.providers.render.reads import RenderReads
from deployments.sandbox.clock import Pace
from deployments.sandbox.company.companies import big_company
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.faults import Fault
from deployments.sandbox.server.transport import RENDER_URL
from deployments.sync import circuit_breaker, poll
from rollback_portal.jobs import clock
from tests import factories
from tests.deployments.conftest import Portal, reset_rate_limits
from tests.deployments.sync.conftest import Teams
from tests.deployments.sync.test_many_services import Clock, SlowTransport

TRAFFIC, RESOURCES = MetricReading.MetricGroup.TRAFFIC, MetricReading.MetricGroup.RESOURCES


def collect() -> None:
    collecting.collect("render", provider("render"))


def reading(service: Service, part: str = TRAFFIC) -> MetricReading:
    return MetricReading.objects.get(service=service, part=part)


def make_due() -> None:
    MetricReading.objects.update(due_at=clock.now() - timedelta(seconds=1))


def recent(service: Service) -> dict[str, Any]:
    """Of the last ten minutes, within which the company's incident is."""
    rows = MetricPoint.objects.filter(service=service, at__gte=clock.now() - timedelta(minutes=10))
    return rows.aggregate(requests=Sum("requests"), errors=Sum("errors"), p95=Max("p95_ms"), cpu=Max("cpu"))


def test_the_incident_is_in_the_numbers(portal: Portal) -> None:
    collect()
    found = recent(portal.api)
    assert 0.06 < found["errors"] / found["requests"] < 0.1
    assert found["p95"] > 1000
    assert found["cpu"] > 0
    assert (reading(portal.api).failures, reading(portal.api).error) == (0, "")


def test_a_second_reading_changes_no_row_but_the_last(portal: Portal) -> None:
    collect()
    MetricReading.objects.update(gap_from=None, gap_to=None)
    before = dict(MetricPoint.objects.values_list("at", "requests"))
    make_due()
    collect()
    after = dict(MetricPoint.objects.values_list("at", "requests"))
    changed = [at for at, requests in before.items() if after[at] != requests]
    assert len(changed) <= 1
    assert len(after) - len(before) <= 2


def test_nothing_is_asked_before_it_is_due(portal: Portal) -> None:
    collect()
    MetricPoint.objects.all().delete()
    MetricReading.objects.update(gap_from=None, gap_to=None)
    collect()
    assert not MetricPoint.objects.exists()


FAULTS = {
    "429": ("rate_limit", ""),
    "500": ("error", "500"),
    "400": ("error", "400"),
    "403": ("forbidden", ""),
    "404": ("missing", ""),
    "HTML": ("not_json", ""),
    "lost": ("drop_after", ""),
    "refused": ("refuse_connection", ""),
    "renamed": ("rename", "values=points"),
    "no times": ("omit", "values.timestamp"),
    "no values": ("omit", "values.value"),
    "words": ("replace", "values.value=many"),
    "negative": ("replace", "values.value=-5"),
    "empty": ("empty", ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_comes_instead_of_numbers_there_is_no_data_and_no_zero(portal: Portal, fault: str) -> None:
    do, detail = FAULTS[fault]
    portal.sandbox.faults.add(Fault("render.metrics", do, times=None, detail=detail))

    collect()

    assert not MetricPoint.objects.exists()
    kept = reading(portal.api)
    answered = do in ("rename", "omit", "replace", "empty")
    assert (kept.failures == 0) == answered
    assert bool(kept.error) != answered


@pytest.mark.parametrize(("do", "detail"), [("late", "4"), ("gaps", "3"), ("shuffle", "")])
def test_late_missing_and_mixed_up_points_are_put_right_by_the_next_reading(
    portal: Portal, do: str, detail: str
) -> None:
    portal.sandbox.faults.add(Fault("render.metrics", do, times=6, detail=detail))
    collect()
    MetricReading.objects.update(gap_from=None, gap_to=None)
    odd = recent(portal.api)
    assert 0.05 < odd["errors"] / odd["requests"] < 0.11
    MetricReading.objects.update(read_until=None)
    make_due()
    collect()
    now = clock.now()
    rows = MetricPoint.objects.filter(
        service=portal.api, at__gte=now - timedelta(minutes=10), requests__gt=0, p95_ms__gt=0
    )
    assert 19 <= rows.count() <= 21


def test_without_status_codes_the_errors_are_unknown_and_not_none(portal: Portal) -> None:
    portal.sandbox.faults.add(Fault("render.metrics", "rename", times=1, detail="labels=tags"))
    collect()
    found = recent(portal.api)
    assert found["requests"] > 0
    assert found["errors"] is None


def test_what_the_plan_does_not_include_is_said_and_the_rest_is_read(portal: Portal) -> None:
    portal.sandbox.faults.add(Fault("render.metrics", "slow", times=1, seconds=0))
    portal.sandbox.faults.add(Fault("render.metrics", "plan", times=1, detail="latency needs a plan"))
    collect()
    first, second = reading(portal.api, TRAFFIC), reading(portal.api, RESOURCES)
    assert (first.failures, second.failures) == (0, 0)
    assert "latency needs a plan" in first.error
    assert recent(portal.api)["p95"] is not None


def test_a_service_that_fails_has_an_error_of_its_own_and_the_others_are_read(teams: Teams) -> None:
    teams.arm("render.metrics", "error", service="team1-api")
    collect()
    failed = reading(teams.service("team1-api"))
    assert (failed.failures, failed.read_at) == (1, None)
    assert "500" in failed.error
    for other in teams.others("team1-api"):
        assert reading(other).read_at is not None
    assert teams.status("render").error == ""


def test_after_failures_less_is_asked_for_at_once(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Render answers 500 where it is asked for too many points."""
    spans, metrics = list[timedelta](), RenderReads.metrics

    def noted(self: RenderReads, *words: Any, since: Any, until: Any) -> Any:
        spans.append(until - since)
        return metrics(self, *words, since=since, until=until)

    monkeypatch.setattr(RenderReads, "metrics", noted)
    portal.sandbox.faults.add(Fault("render.metrics", "error", times=None))
    for _ in range(4):
        collect()
        make_due()

    assert [span.total_seconds() / 60 for span in spans[::6]] == [60, 30, 15, 10]
    portal.sandbox.faults.clear()
    collect()
    assert reading(portal.api).failures == 0


def test_an_outage_is_read_afterwards_the_newest_first(portal: Portal) -> None:
    collect()
    MetricPoint.objects.all().delete()
    hours = timedelta(hours=1)
    now = clock.now()
    MetricReading.objects.update(read_until=now - 4 * hours, gap_from=None, gap_to=None)
    make_due()

    collect()
    newest_first = MetricPoint.objects.earliest("at").at
    assert now - 2 * hours - timedelta(minutes=5) < newest_first < now - hours
    for _ in range(4):
        collect()

    assert reading(portal.api).gap_to is None
    times = MetricPoint.objects.filter(requests__isnull=False).order_by("at").values_list("at", flat=True)
    steps = {later - earlier for earlier, later in pairwise(times)}
    assert max(steps) <= timedelta(seconds=60)
    assert times[0] <= now - 4 * hours + timedelta(minutes=1)


def test_while_the_circuit_is_open_nothing_is_asked(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_breaker, "allows", lambda name: False)
    collect()
    assert not MetricReading.objects.exists()


def test_vercel_gives_no_metrics_which_is_no_zero(portal: Portal) -> None:
    collecting.collect("vercel", provider("vercel"))
    assert not MetricPoint.objects.exists()


# --- The limits ---


@pytest.mark.parametrize(("services", "calls", "every"), [(2, 9.6, 30), (15, 60, 36), (100, 60, 240)])
def test_the_calls_a_minute_stay_within_the_share(services: int, calls: float, every: float) -> None:
    plan = call_plan(services)
    assert (round(plan.calls, 1), round(plan.traffic_every)) == (calls, every)
    limits = LIMITS[ProviderName.RENDER]
    assert limits["reads"] + limits["metrics"] <= 400  # a minute, which Render counts together


@pytest.mark.parametrize(("services", "passes"), [(2, 1), (12, 1), (15, 2), (100, 2)])
def test_what_is_watched_is_read_with_each_pass_or_each_second_one(services: int, passes: int) -> None:
    every = pace.watched_every(services)
    assert (passes - 1) * pace.PASS_EVERY < every < passes * pace.PASS_EVERY


@pytest.fixture
def shared_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    shared = Clock()
    for module in (poll, collecting):
        monkeypatch.setattr(module, "time", shared)
    monkeypatch.setattr(clock, "now", shared)
    return shared


def test_many_services_are_read_as_often_as_is_stated_and_no_call_is_made_beyond_the_share(
    db: None, shared_clock: Clock
) -> None:
    """25 services and a quarter of the limit, as a hundred have of the whole; the first one is watched."""
    reset_rate_limits()
    world = big_company(50, 2, clock=shared_clock, pace=Pace.instant())
    transport = CountedTransport(Sandbox(world), shared_clock)
    transport.latency = 0.2
    server = redis.Redis.from_url(os.environ["REDIS_URL"])
    limits = {"reads": 300, "metrics": 15}
    limit = RateLimit(server, ProviderName.RENDER, limits=limits, clock=shared_clock.seconds)
    client = open_render(RENDER_URL, "rnd_sandbox", rate_limit=limit, transport=transport)
    poll.read_services("render", client)
    watched = Service.objects.get(name="team1-api")
    plan, oldest = call_plan(100), dict.fromkeys(Service.objects.values_list("pk", flat=True), 0.0)
    factories.live(watched, created_at=shared_clock.now)
    began = shared_clock.now
    transport.asked.clear()
    while (passed := (shared_clock.now - began).total_seconds()) < 1800:
        due = shared_clock.now + pace.PASS_EVERY
        collecting.collect("render", client)
        if passed > 2 * plan.traffic_every:
            for row in MetricReading.objects.filter(part=TRAFFIC):
                age = (shared_clock.now - (row.read_at or began)).total_seconds()
                oldest[row.service_id] = max(oldest[row.service_id], age)
        shared_clock.now = max(shared_clock.now, due)
    server.close()

    assert max(oldest.values()) < 2 * plan.traffic_every
    assert oldest[watched.pk] < 90
    assert transport.most_in_a_minute() <= limits["metrics"]


class CountedTransport(SlowTransport):
    latency = 0.0

    def __init__(self, sandbox: Sandbox, clock: Clock) -> None:
        super().__init__(sandbox, clock)
        self.asked: list[float] = []

    def handle_request(self, request: Any) -> Any:
        self.asked.append(self.clock.seconds())
        self.clock.advance(self.latency)
        return super(SlowTransport, self).handle_request(request)

    def most_in_a_minute(self) -> int:
        return max(sum(0 <= other - one < 60 for other in self.asked) for one in self.asked)
