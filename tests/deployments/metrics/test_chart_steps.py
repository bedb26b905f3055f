"""One service's numbers by steps: what counts for a rate, a share and a latency, and what stays unknown."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from deployments.metrics.chart_steps import ChartStep, chart_steps, together
from deployments.metrics.series import Span
from deployments.metrics.storage import Point, bucket, save_points
from deployments.models import MetricRollup, MetricSource, Service
from rollback_portal.jobs import clock

HALF, MINUTE, HOUR = timedelta(seconds=30), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def now(db: None) -> datetime:
    return bucket(clock.now(), 2400)


def add(service: Service, at: datetime, source: str = "provider", **values: Any) -> None:
    fields = {"requests": 100, "errors": 1, "p95_ms": 300, **values}
    save_points([Point(service.pk, MetricSource(source), at, **fields)])


def steps(
    service: Service, now: datetime, length: timedelta = HOUR, step: timedelta = MINUTE
) -> dict[datetime, ChartStep]:
    found = chart_steps(Span(service.pk, now - length, now), step, now)
    return {one.at: one for one in found.get(MetricSource.PROVIDER, ())}


def test_a_step_adds_requests_up_and_weighs_latencies_by_them(api: Service, now: datetime) -> None:
    add(api, now - 2 * MINUTE, requests=300, errors=3, p95_ms=200, cpu=0.2)
    add(api, now - 2 * MINUTE + HALF, requests=100, errors=1, p95_ms=1000, cpu=0.4)
    (one,) = steps(api, now).values()
    assert (one.at, one.last_at) == (now - 2 * MINUTE, now - 2 * MINUTE + HALF)
    assert (one.share, one.p95_ms.value) == (0.01, 400)
    assert one.per_second == 400 / 60
    assert one.cpu.value == pytest.approx(0.3)


def test_a_step_without_data_is_not_there_and_what_a_step_lacks_is_none(api: Service, now: datetime) -> None:
    add(api, now - 10 * MINUTE, errors=None, p95_ms=None)
    add(api, now - 5 * MINUTE, requests=None, errors=None)
    add(api, now - 4 * MINUTE, requests=0, errors=0, p95_ms=None)
    found = steps(api, now)
    assert [now - at for at in found] == [10 * MINUTE, 5 * MINUTE, 4 * MINUTE]
    uncounted, latency_only, quiet = found.values()
    assert (uncounted.share, uncounted.p95_ms.value, uncounted.per_second) == (None, None, 100 / 30)
    assert (latency_only.share, latency_only.per_second, latency_only.p95_ms.value) == (None, None, 300)
    assert (quiet.share, quiet.per_second, quiet.memory.value) == (None, 0, None)


def test_requests_of_unknown_fate_do_not_thin_the_share(api: Service, now: datetime) -> None:
    add(api, now - 2 * MINUTE, requests=100, errors=50)
    add(api, now - 2 * MINUTE + HALF, requests=900, errors=None)
    (one,) = steps(api, now).values()
    assert (one.share, one.per_second) == (0.5, 1000 / 60)


def test_the_bucket_that_is_under_way_counts_for_the_share_and_not_for_the_rate(
    api: Service, now: datetime
) -> None:
    add(api, now - MINUTE, requests=100, errors=0)
    add(api, now - HALF, requests=2, errors=2)
    middle = now - timedelta(seconds=10)
    found = chart_steps(Span(api.pk, now - HOUR, now), MINUTE, middle)[MetricSource.PROVIDER]
    assert (found[0].per_second, found[0].share) == (100 / 30, 2 / 102)


def test_long_steps_are_read_from_the_five_minute_rows(api: Service, now: datetime) -> None:
    since = now - timedelta(days=10)
    for number in range(8):
        at = since + number * 5 * MINUTE
        MetricRollup.objects.create(
            service=api, source="provider", at=at, requests=600, errors=number, p95_ms=100 * (number + 1)
        )
    found = steps(api, now, timedelta(days=14), 40 * MINUTE)
    assert list(found) == [since]
    assert found[since].share == 28 / 4800
    assert found[since].per_second == 2
    assert found[since].p95_ms.value == 450


def test_several_steps_together_are_what_one_long_step_would_have_been(api: Service, now: datetime) -> None:
    for number in range(8):
        errors = None if number == 7 else number
        add(api, now - 4 * MINUTE + number * HALF, requests=50 + number, errors=errors, p95_ms=100 + number)
    whole = together(list(steps(api, now, step=MINUTE).values()))
    (once,) = steps(api, now, step=4 * MINUTE).values()
    assert whole.judged == sum(50 + number for number in range(7))
    assert whole.counted == sum(50 + number for number in range(8))
    mean = sum((100 + number) * (50 + number) for number in range(8)) / whole.counted
    assert whole.p95_ms.value == once.p95_ms.value == pytest.approx(mean)
    assert (once.share, once.per_second, once.last_at) == (whole.share, whole.per_second, whole.last_at)


def test_latencies_without_any_request_count_alike(api: Service, now: datetime) -> None:
    add(api, now - 2 * MINUTE, requests=None, errors=None, p95_ms=200)
    add(api, now - MINUTE, requests=None, errors=None, p95_ms=400)
    assert together(list(steps(api, now).values())).p95_ms.value == 300


def test_one_query_however_many_points(api: Service, now: datetime, django_assert_num_queries: Any) -> None:
    for number in range(1, 30):
        add(api, now - number * MINUTE)
    with django_assert_num_queries(1):
        assert len(steps(api, now)) == 29
