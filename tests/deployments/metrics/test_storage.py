"""Points and five-minute rows: whatever comes twice, late, out of order or without a value."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from deployments.metrics import storage
from deployments.metrics.storage import Point, add_rounds, bucket, prune, save_points
from deployments.models import MetricPoint, MetricRollup, MetricSource, Service
from rollback_portal.jobs import clock
from tests import factories

MOST_MEGABYTES = 700  # of a hundred services with both sources


@pytest.fixture
def began(db: None) -> datetime:
    """The beginning of five minutes that are over."""
    return bucket(clock.now(), storage.ROLLUP) - timedelta(seconds=storage.ROLLUP)


def point(service: Service, at: datetime, source: str = "provider", **values: Any) -> Point:
    return Point(service.pk, MetricSource(source), at, **values)


def rollup(service: Service) -> MetricRollup:
    return MetricRollup.objects.get(service=service)


def test_points_in_any_order_and_twice_give_the_same_rows(api: Service, began: datetime) -> None:
    points = [
        point(api, began + timedelta(seconds=30 * number), requests=10.0 * number, errors=float(number))
        for number in range(3)
    ]
    seen = set()
    for order in permutations(points):
        MetricPoint.objects.all().delete()
        MetricRollup.objects.all().delete()
        for one in order:
            save_points([one, one])
        save_points(order)
        rows = tuple(MetricPoint.objects.order_by("at").values_list("at", "requests", "errors"))
        seen.add((rows, rollup(api).requests, rollup(api).errors))
    assert len(seen) == 1
    (((_, requests, errors),),) = ([(one[0], one[1], one[2]) for one in seen],)
    assert (requests, errors) == (30.0, 3.0)


def test_a_later_answer_puts_an_earlier_one_right_and_what_it_does_not_know_stays(
    api: Service, began: datetime
) -> None:
    save_points([point(api, began, requests=10, errors=9, p95_ms=200)])
    save_points([point(api, began, requests=40)])
    row = MetricPoint.objects.get()
    assert (row.requests, row.errors, row.p95_ms) == (40, None, 200)
    save_points([point(api, began, p95_ms=None, cpu=0.5)])
    row = MetricPoint.objects.get()
    assert (row.requests, row.p95_ms, row.cpu) == (40, 200, 0.5)


def test_rounds_of_the_portals_own_requests_in_one_bucket_are_added_up(api: Service, began: datetime) -> None:
    add_rounds([point(api, began, "probe", requests=30, errors=0, p50_ms=100, p95_ms=200)])
    add_rounds([point(api, began, "probe", requests=10, errors=10)])
    add_rounds([point(api, began, "probe", requests=10, errors=1, p50_ms=500, p95_ms=900)])
    for row in (MetricPoint.objects.get(), rollup(api)):
        assert (row.requests, row.errors, row.p50_ms, row.p95_ms) == (50, 11, 180, 900)


def test_no_data_is_null_and_never_zero(api: Service, began: datetime) -> None:
    save_points([point(api, began, cpu=0.1)])
    for row in (MetricPoint.objects.get(), rollup(api)):
        assert (row.requests, row.errors, row.p50_ms, row.p95_ms) == (None, None, None, None)


def test_the_errors_of_five_minutes_are_unknown_where_those_of_a_part_are(
    api: Service, began: datetime
) -> None:
    save_points([point(api, began, requests=10, errors=0)])
    save_points([point(api, began + timedelta(seconds=30), requests=10)])
    assert (rollup(api).requests, rollup(api).errors) == (20, None)


def test_the_quantiles_of_five_minutes_are_weighted_by_requests(api: Service, began: datetime) -> None:
    later = began + timedelta(seconds=30)
    save_points([point(api, began, requests=30, p95_ms=100), point(api, later, requests=10, p95_ms=500)])
    assert rollup(api).p95_ms == 200


def test_the_sources_are_kept_apart(api: Service, began: datetime) -> None:
    save_points([point(api, began, requests=600, errors=0), point(api, began, "probe", requests=5, errors=5)])
    shares = dict(MetricRollup.objects.values_list("source", "errors"))
    assert shares == {"provider": 0, "probe": 5}


def test_what_is_too_old_or_ahead_of_now_is_left_out(api: Service) -> None:
    now = clock.now()
    times = [now - timedelta(hours=49), now + timedelta(hours=1), now]
    assert save_points([point(api, at, requests=1) for at in times]) == 1


@pytest.mark.parametrize(
    "values", [{"requests": 5, "errors": 6}, {"errors": 1}, {"requests": 5, "errors": -1}]
)
def test_the_database_refuses_errors_that_are_no_requests(
    api: Service, began: datetime, values: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        save_points([point(api, began, **values)])


def test_the_database_keeps_one_row_for_a_bucket(api: Service, began: datetime) -> None:
    fields: dict[str, Any] = {"service": api, "source": "probe", "at": began}
    MetricPoint.objects.create(**fields)
    with pytest.raises(IntegrityError), transaction.atomic():
        MetricPoint.objects.bulk_create([MetricPoint(**fields)])


def test_points_are_deleted_after_48_hours_and_five_minute_rows_after_30_days(
    api: Service, began: datetime
) -> None:
    save_points([point(api, began, requests=1, errors=0)])
    hours = timedelta(hours=1)
    for age in (47 * hours, 49 * hours):
        MetricPoint.objects.create(service=api, source="probe", at=began - age)
    for age in (29 * 24 * hours, 31 * 24 * hours):
        MetricRollup.objects.create(service=api, source="probe", at=began - age)

    assert prune() == (1, 1)

    assert MetricPoint.objects.filter(at=began - 47 * hours).exists()
    assert MetricRollup.objects.filter(at=began - 29 * 24 * hours).exists()
    assert prune() == (0, 0)


FULL = """
INSERT INTO {table} (service_id, source, at, requests, errors, p50_ms, p95_ms, cpu, memory, instances)
SELECT %(service)s, source, now() - make_interval(secs => number * step), 450, 3, 80, 300,
  CASE WHEN source = 'provider' THEN 0.2 END, CASE WHEN source = 'provider' THEN 2e8 END,
  CASE WHEN source = 'provider' THEN 2 END
FROM (VALUES ('provider', %(provider)s), ('probe', %(probe)s)) AS kind (source, step),
  LATERAL generate_series(1, %(seconds)s / step) AS number
"""


def test_the_size_at_a_hundred_services_is_as_stated(db: None) -> None:
    """Four are filled whole, with every value, and counted 25 times."""
    sizes = {}
    for model, lengths, seconds in (
        (MetricPoint, {"provider": 30, "probe": 15}, 48 * 3600),
        (MetricRollup, {"provider": 300, "probe": 300}, 30 * 86_400),
    ):
        table = model._meta.db_table
        with connection.cursor() as cursor:
            for number in range(4):
                pk = factories.service(name=f"full-{table}-{number}").pk
                cursor.execute(FULL.format(table=table), {"service": pk, "seconds": seconds, **lengths})
            cursor.execute("SELECT pg_total_relation_size(%s)", [table])
            sizes[table] = cursor.fetchone()[0] * 25 / 1e6
    print({table: f"{size:.0f} MB" for table, size in sizes.items()})  # noqa: T201
    assert 100 < sum(sizes.values()) < MOST_MEGABYTES
