"""How each deployment did while it was live: counted by a worker when that has ended, and then kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from deployments.metrics.live_numbers import LAST, LATE, count_live_periods
from deployments.metrics.storage import Point, bucket, save_points
from deployments.models import Deployment, LivePeriod, MetricRollup, MetricSource, Service
from deployments.sync.live_periods import save_live_periods
from rollback_portal.jobs import clock
from tests import factories

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def now(db: None) -> datetime:
    return bucket(clock.now(), 300)


def fill(service: Service, since: datetime, until: datetime, source: str = "provider", **values: Any) -> None:
    step = timedelta(seconds=30)
    fields = {"requests": 100, "errors": 1, **values}
    save_points(
        Point(service.pk, MetricSource(source), since + step * number, **fields)
        for number in range(int((until - since) / step))
    )


def lived(service: Service, *since: datetime, names: str = "") -> list[Deployment]:
    """Deployments that went live one after the other; the same letter in `names` is the same one."""
    names = names or "".join(chr(ord("a") + number) for number in range(len(since)))
    rows = {name: factories.deployment(service, f"Commit {name}", live_until=None) for name in names}
    live = rows[names[-1]]
    starts = [(at, rows[name]) for at, name in zip(since, names, strict=True)]
    save_live_periods(service, starts, live, starts[-1][0])
    return list(rows.values())


def numbers(deployment: Deployment) -> tuple[float | None, float | None, str]:
    row = Deployment.objects.get(pk=deployment.pk)
    return row.live_requests, row.live_errors, row.live_source


def test_what_ended_is_counted_and_what_is_live_is_not(api: Service, now: datetime) -> None:
    fill(api, now - 2 * HOUR, now - HOUR)
    fill(api, now - HOUR, now, errors=8)
    ended, live = lived(api, now - 2 * HOUR, now - HOUR)

    assert count_live_periods() == 1

    # a minute at each end, in which another deployment answers as well, counts for neither
    assert numbers(ended) == (58 * 200, 58 * 2, "provider")
    assert numbers(live) == (None, None, "")
    assert Deployment.objects.get(pk=ended.pk).live_share == 0.01


def test_nothing_is_counted_twice(api: Service, now: datetime) -> None:
    fill(api, now - 2 * HOUR, now - HOUR)
    lived(api, now - 2 * HOUR, now - HOUR)
    count_live_periods()
    assert count_live_periods() == 0


def test_where_nothing_was_measured_it_stays_no_data(api: Service, now: datetime) -> None:
    fill(api, now - 2 * HOUR, now - HOUR, errors=None)
    ended, _ = lived(api, now - 2 * HOUR, now - HOUR)
    count_live_periods()
    assert numbers(ended) == (None, None, "")
    assert Deployment.objects.get(pk=ended.pk).live_share is None
    assert count_live_periods() == 0


def test_its_last_half_hour_is_counted_on_its_own(api: Service, now: datetime) -> None:
    fill(api, now - 5 * HOUR, now - HOUR - 31 * MINUTE, errors=0)
    fill(api, now - HOUR - 31 * MINUTE, now - HOUR, errors=20)
    ended, _ = lived(api, now - 5 * HOUR, now - HOUR)
    count_live_periods()
    ended.refresh_from_db()
    assert ended.live_share is not None
    assert ended.live_share < 0.03
    assert ended.end_share == 0.2


@pytest.mark.parametrize(("after", "again"), [(LATE, True), (LATE + MINUTE, False), (LAST, True)])
def test_late_points_count_ten_minutes_and_a_day_after_the_end_and_never_in_between(
    api: Service, now: datetime, after: timedelta, again: bool
) -> None:
    until = now - LAST - HOUR if after == LAST else now - HOUR
    ended, _ = lived(api, until - HOUR, until)
    count_live_periods()
    counted_at = until + (LATE + MINUTE if after in (LAST, LATE + MINUTE) else MINUTE)
    LivePeriod.objects.exclude(counted_at=None).update(counted_at=counted_at)
    fill(api, until - HOUR, until)

    assert count_live_periods() == again
    assert (numbers(ended)[0] is not None) == again


def test_an_end_that_moves_is_counted_anew(api: Service, now: datetime) -> None:
    fill(api, now - 3 * HOUR, now)
    first, _ = lived(api, now - 3 * HOUR, now - HOUR)
    count_live_periods()
    between = factories.deployment(api, "Told late")
    save_live_periods(api, [(now - 2 * HOUR, between)], None, now)

    assert count_live_periods() == 2
    assert numbers(first) == numbers(between) == (58 * 200, 58 * 2, "provider")


def test_several_periods_of_a_deployment_are_added_up_and_the_end_is_that_of_the_last(
    api: Service, now: datetime
) -> None:
    fill(api, now - 4 * HOUR, now - 3 * HOUR)
    fill(api, now - 2 * HOUR, now - HOUR, errors=10)
    again, _, _ = lived(api, *(now - hours * HOUR for hours in (4, 3, 2, 1)), names="abac")
    count_live_periods()
    again.refresh_from_db()
    assert numbers(again) == (2 * 58 * 200, 58 * 2 + 58 * 20, "provider")
    assert again.end_share == 0.1


def test_what_one_measured_is_never_added_to_what_the_other_did(api: Service, now: datetime) -> None:
    fill(api, now - 4 * HOUR, now - 3 * HOUR, "probe", requests=10, errors=10)
    fill(api, now - 2 * HOUR, now - HOUR)
    again, _, _ = lived(api, *(now - hours * HOUR for hours in (4, 3, 2, 1)), names="abac")
    count_live_periods()
    assert numbers(again) == (58 * 200, 58 * 2, "provider")


def test_a_long_period_is_read_by_five_minutes_without_those_of_the_next_deployment(
    api: Service, now: datetime
) -> None:
    until = now - DAY - 2 * MINUTE  # within five minutes, in whose rest another one fails
    for number in range(1, 3 * 12 * 24):
        at = bucket(until, 300) - number * 5 * MINUTE
        MetricRollup.objects.create(service=api, source="provider", at=at, requests=1000, errors=1)
    MetricRollup.objects.create(
        service=api, source="provider", at=bucket(until, 300), requests=10_000, errors=9_000
    )
    ended, _ = lived(api, until - 2 * DAY, until)
    count_live_periods()
    row = Deployment.objects.get(pk=ended.pk)
    assert row.live_share == 0.001


def test_what_ended_before_five_minute_rows_are_kept_is_left_as_it_was_counted(
    api: Service, now: datetime
) -> None:
    ended, _ = lived(api, now - 40 * DAY, now - 31 * DAY)
    Deployment.objects.filter(pk=ended.pk).update(live_requests=900, live_errors=9, live_source="provider")
    assert count_live_periods() == 0
    assert numbers(ended) == (900, 9, "provider")


def test_many_periods_take_no_more_statements_than_one(
    api: Service, web: Service, now: datetime, django_assert_max_num_queries: Any
) -> None:
    lived(api, *(now - hours * HOUR for hours in range(20, 0, -1)))
    lived(web, *(now - hours * HOUR for hours in range(20, 0, -1)))
    with django_assert_max_num_queries(15):
        assert count_live_periods() == 38


@pytest.mark.parametrize(
    "fields", [{"live_errors": 3}, {"live_requests": 2, "live_errors": 3}, {"live_requests": 2}]
)
def test_the_database_keeps_numbers_that_cannot_be_out(api: Service, fields: dict[str, float]) -> None:
    row = factories.deployment(api)
    with pytest.raises(IntegrityError), transaction.atomic():
        Deployment.objects.filter(pk=row.pk).update(live_source="probe", **fields)
    with pytest.raises(IntegrityError), transaction.atomic():  # numbers of nobody
        Deployment.objects.filter(pk=row.pk).update(live_requests=2, live_errors=F("live_requests"))
