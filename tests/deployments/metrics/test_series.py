"""What is read of the numbers: shares, latencies, lines, in a number of queries that does not grow."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from deployments.metrics import series
from deployments.metrics.series import Span, error_lines, percent, share_and_latency, while_live_text
from deployments.metrics.storage import Point, bucket, save_points
from deployments.models import MetricRollup, MetricSource, Service
from rollback_portal.jobs import clock
from tests import factories

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def now(db: None) -> datetime:
    return bucket(clock.now(), 300)


def fill(service: Service, since: datetime, until: datetime, source: str = "provider", **values: Any) -> None:
    step = timedelta(seconds=30)
    number = int((until - since) / step)
    fields = {"requests": 100, "errors": 1, "p95_ms": 300, **values}
    save_points(
        Point(service.pk, MetricSource(source), since + step * one, **fields) for one in range(number)
    )


def test_a_span_has_its_share_its_number_of_requests_and_its_latency(api: Service, now: datetime) -> None:
    fill(api, now - 10 * MINUTE, now - 5 * MINUTE)
    fill(api, now - 5 * MINUTE, now, errors=8, p95_ms=1900)
    before, after, none = share_and_latency(
        [
            Span(api.pk, now - 10 * MINUTE, now - 5 * MINUTE),
            Span(api.pk, now - 5 * MINUTE, now),
            Span(api.pk, now - 30 * MINUTE, now - 20 * MINUTE),
        ]
    )
    assert before
    assert after
    assert (before.share, before.requests, before.p95_ms) == (0.01, 1000, 300)
    assert (after.share, after.p95_ms, after.last_at) == (0.08, 1900, now - MINUTE / 2)
    assert none is None


def test_the_providers_numbers_count_before_the_portals_where_they_know_the_errors(
    api: Service, web: Service, now: datetime
) -> None:
    fill(api, now - 5 * MINUTE, now, "probe", requests=5, errors=5)
    fill(api, now - 5 * MINUTE, now)
    fill(web, now - 5 * MINUTE, now, "probe", requests=5, errors=5)
    fill(web, now - 5 * MINUTE, now, errors=None)
    first, second = share_and_latency([Span(one.pk, now - 5 * MINUTE, now) for one in (api, web)])
    assert first
    assert second
    assert (first.share, first.measured_by) == (0.01, "measured by the provider")
    assert (second.share, second.measured_by) == (1.0, "measured by the portal")


def test_no_data_is_none_and_never_zero(api: Service, now: datetime) -> None:
    fill(api, now - 5 * MINUTE, now, requests=None, errors=None)
    (found,) = share_and_latency([Span(api.pk, now - 5 * MINUTE, now)])
    assert found
    assert (found.share, found.p95_ms) == (None, 300)
    assert error_lines([api.pk], now - HOUR, now, 2 * MINUTE) == {}
    assert while_live_text(HOUR, None, "") == "was live 1 h, no data"


def test_a_deployment_that_was_live_long_ago_is_read_by_five_minutes(api: Service, now: datetime) -> None:
    since = now - timedelta(days=9)
    for number in range(3):
        at = since + number * 5 * MINUTE
        MetricRollup.objects.create(service=api, source="provider", at=at, requests=1000, errors=1)
    length = timedelta(days=3, hours=4)
    (found,) = share_and_latency([Span(api.pk, since, since + length)])
    assert found
    assert while_live_text(length, found.share, found.source) == "was live 3 d 4 h, 5xx 0.1%"
    assert while_live_text(length, found.share, "probe") == "was live 3 d 4 h, errors 0.1%"


def test_points_are_fine_for_a_few_hours_and_by_five_minutes_for_longer(api: Service, now: datetime) -> None:
    fill(api, now - 10 * MINUTE, now)
    fine = series.points([api.pk], now - HOUR, now)[api.pk][MetricSource.PROVIDER]
    coarse = series.points([api.pk], now - 24 * HOUR, now)[api.pk][MetricSource.PROVIDER]
    assert (len(fine), len(coarse)) == (20, 2)
    assert sum(one.requests or 0 for one in fine) == sum(one.requests or 0 for one in coarse) == 2000


def test_a_line_has_a_point_for_each_step_with_data(api: Service, now: datetime) -> None:
    fill(api, now - 20 * MINUTE, now - 10 * MINUTE)
    fill(api, now - 4 * MINUTE, now, errors=50)
    line = error_lines([api.pk], now - 2 * HOUR, now, 2 * MINUTE)[api.pk]
    assert [one.share for one in line][-1] == 0.5
    gaps = [later.at - earlier.at for earlier, later in pairwise(line)]
    assert max(gaps) > 5 * MINUTE


def test_the_queries_do_not_grow_with_services_or_points(
    now: datetime, django_assert_num_queries: Any
) -> None:
    services = [factories.service("api") for _ in range(12)]
    for number in (1, 12):
        some = services[:number]
        for one in some:
            fill(one, now - 30 * MINUTE, now)
        recent = [Span(one.pk, now - 5 * MINUTE, now) for one in some]
        older = [Span(one.pk, now - timedelta(days=5), now) for one in some]
        with django_assert_num_queries(3):  # with one for the time
            share_and_latency([*recent, *older])
        with django_assert_num_queries(1):
            error_lines([one.pk for one in some], now - 2 * HOUR, now, 2 * MINUTE)
        with django_assert_num_queries(2):
            series.points([one.pk for one in some], now - HOUR, now)


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (0.0001, "under 0.1%"), (0.001, "0.1%"), (0.078, "7.8%"), (0.9999, "100%"), (1, "100%")],
)
def test_a_share_that_is_not_nothing_is_never_written_as_nothing(share: float, text: str) -> None:
    assert percent(share) == text
