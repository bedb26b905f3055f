"""The charts of a service: the sentence, the table and what is drawn are the rows, and a gap stays a gap."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from deployments.metrics.storage import Point, bucket, save_points
from deployments.models import MetricRollup, MetricSource, Service
from deployments.pages.charts import RANGES, ChartPanel, build_chart_panel
from deployments.pages.charts.chart import Chart, ChartTable
from rollback_portal.jobs import clock

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def now(db: None, monkeypatch: pytest.MonkeyPatch) -> datetime:
    """12:00:30, today or yesterday: numbers stand at times that a test can name."""
    today = clock.now().replace(hour=12, minute=0, second=30, microsecond=0)
    at = today if today < clock.now() else today - DAY
    monkeypatch.setattr(clock, "now", lambda: at)
    return at


def fill(service: Service, since: datetime, until: datetime, source: str = "provider", **values: Any) -> None:
    fields = {"requests": 100, "errors": 1, "p95_ms": 300, **values}
    number = int((until - since) / (30 * SECOND))
    save_points(
        Point(service.pk, MetricSource(source), since + one * 30 * SECOND, **fields) for one in range(number)
    )


def panel(service: Service, name: str = "1h") -> ChartPanel:
    return build_chart_panel(service, RANGES[name])


def chart(service: Service, quantity: str, name: str = "1h") -> Chart:
    return next(one for one in panel(service, name).charts if one.name == quantity)


def table_of(found: Chart) -> ChartTable:
    assert found.table
    return found.table


def values(found: Chart, line: int = 0) -> list[float | None]:
    assert found.drawn
    drawn: list[float | None] = found.drawn["lines"][line]["values"]
    return drawn


def test_the_sentence_names_the_median_the_highest_its_time_and_what_is_missing(
    api: Service, now: datetime
) -> None:
    start = bucket(now, 60)
    fill(api, start - 40 * MINUTE, start - 10 * MINUTE)
    fill(api, start - 10 * MINUTE, start - 9 * MINUTE, errors=8, p95_ms=1900)
    found = chart(api, "errors")
    assert found.summary == (
        "5xx share: 1.0% median, highest 8.0% at 11:50 UTC. No data in 58 of 120 steps of 30 s."
        " The dashed line is the limit, 5%."
    )
    assert found.measured_by == "measured by the provider"
    assert chart(api, "latency").summary.startswith(
        "Latency: p95 300 ms median, highest 1.9 s at 11:50 UTC. No data"
    )
    assert chart(api, "traffic").summary.startswith("Traffic: 3.3/s median, highest 3.3/s at 11:20 UTC.")


def test_where_nothing_was_measured_a_line_has_a_gap_and_a_row_says_no_data(
    api: Service, now: datetime
) -> None:
    start = bucket(now, 60)
    fill(api, start - 30 * MINUTE, start - 20 * MINUTE, errors=0)
    fill(api, start - 10 * MINUTE, start, errors=0)
    drawn = values(chart(api, "errors"))
    assert len(drawn) == 120
    assert drawn[58:98] == [0.0] * 20 + [None] * 20
    rows = dict(table_of(chart(api, "errors")).rows)
    assert rows[start - 25 * MINUTE] == ["200", "0", "0%", "0%"]
    assert rows[start - 15 * MINUTE] == ["no data"] * 4
    assert len(rows) == 60


def test_the_table_is_the_rows_by_longer_parts_with_the_highest_step_of_each(
    api: Service, now: datetime
) -> None:
    part = bucket(now, 600) - 10 * MINUTE
    fill(api, part, part + 9 * MINUTE, cpu=0.2, memory=400_000_000)
    fill(api, part + 9 * MINUTE, part + 10 * MINUTE, errors=50, p95_ms=2000, cpu=1.2, memory=1_200_000_000)
    row = {one: dict(table_of(chart(api, one, "6h")).rows)[part] for one in ("errors", "latency", "cpu")}
    assert row["errors"] == ["2,000", "118", "5.9%", "50.0%"]
    assert row["latency"] == ["470 ms", "no data", "2.0 s"]
    assert row["cpu"] == ["0.30 cores", "1.20 cores"]
    memory = table_of(chart(api, "memory", "6h"))
    assert dict(memory.rows)[part] == ["480 MB", "1.2 GB"]
    assert memory.headings == ["Memory", "Highest 1 min"]
    assert memory.caption == "Memory by 10 min, measured by the provider, newest first; times in UTC"
    assert [at for at, _ in memory.rows] == sorted((at for at, _ in memory.rows), reverse=True)


def test_fourteen_days_come_from_the_five_minute_rows(api: Service, now: datetime) -> None:
    since = bucket(now - 13 * DAY, 21_600)
    at = since + 80 * MINUTE
    MetricRollup.objects.create(service=api, source="provider", at=at, requests=3000, errors=237, p95_ms=90)
    found = chart(api, "errors", "14d")
    assert len(values(found)) <= 600
    assert [one for one in values(found) if one is not None] == [7.9]
    assert dict(table_of(found).rows)[since] == ["3,000", "237", "7.9%", "7.9%"]
    assert f"highest 7.9% at {at.day} {at:%b %H:%M} UTC" in found.summary


def test_what_the_portal_measured_says_so_and_its_requests_are_no_traffic(
    web: Service, now: datetime
) -> None:
    start = bucket(now, 60)
    fill(web, start - 5 * MINUTE, start, "probe", requests=5, errors=5, p95_ms=80)
    charts = {one.name: one for one in panel(web).charts}
    assert (charts["errors"].title, charts["errors"].measured_by) == (
        "Share of errors",
        "measured by the portal",
    )
    assert max(filter(None, values(charts["errors"]))) == 100
    assert charts["latency"].measured_by == "measured by the portal"
    assert charts["traffic"].drawn is None
    assert charts["traffic"].why_not == (
        "No data. The provider gave no count of requests, and the portal's own are no visitors'."
    )
    assert charts["cpu"].why_not == "No data. The provider gave none."


def test_the_providers_numbers_come_before_the_portals(api: Service, now: datetime) -> None:
    start = bucket(now, 60)
    fill(api, start - 5 * MINUTE, start, "probe", requests=5, errors=5)
    fill(api, start - 5 * MINUTE, start)
    assert max(filter(None, values(chart(api, "errors")))) == 1
    assert chart(api, "errors").measured_by == "measured by the provider"


def test_a_service_without_any_number_has_no_zero(api: Service, now: datetime) -> None:
    found = panel(api)
    assert found.newest_at is None
    assert [one.table for one in found.charts] == [None] * 5
    assert all(one.why_not.startswith("No data.") for one in found.charts)
    assert found.drawn["charts"] == {}


def test_the_version_changes_with_a_number_and_with_nothing_else(api: Service, now: datetime) -> None:
    start = bucket(now, 60)
    fill(api, start - 5 * MINUTE, start)
    before = panel(api).version
    assert panel(api).version == before
    fill(api, start - 2 * MINUTE, start - MINUTE, errors=2)
    assert panel(api).version != before


def test_the_number_of_queries_is_the_same_for_any_range_and_any_number_of_points(
    api: Service, now: datetime, django_assert_num_queries: Any
) -> None:
    for minutes in (1, 55):
        fill(api, now - minutes * MINUTE, now)
        for one in RANGES.values():
            with django_assert_num_queries(5):  # and one for the time, which stands still here
                build_chart_panel(api, one)
