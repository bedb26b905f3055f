"""What happened, on the time axis: deployments, operations, incidents and migrations, the newest first."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from deployments.metrics.series import Span
from deployments.models import LivePeriod, Service
from deployments.pages.charts.axis import MOST_MARKS, ChartMark, marks_of
from rollback_portal.jobs import clock
from tests import factories
from tests.dbtools import rollback_rows

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def now(db: None) -> datetime:
    return clock.now()


def marks(service: Service, now: datetime) -> list[ChartMark]:
    return marks_of(service, Span(service.pk, now - HOUR, now + MINUTE))[0]


def test_a_deployment_stands_where_it_went_live_each_time_and_not_before_the_range(
    api: Service, now: datetime
) -> None:
    deployment = factories.deployment(api, "Fix price rounding")
    for at in (now - 2 * HOUR, now - 30 * MINUTE, now - 5 * MINUTE):
        LivePeriod.objects.create(service=api, deployment=deployment, since=at)
    LivePeriod.objects.create(service=factories.service("web"), deployment=deployment, since=now - MINUTE)
    found = marks(api, now)
    assert [now - mark.at for mark in found] == [5 * MINUTE, 30 * MINUTE]
    assert found[0].words == f"{deployment.short_sha} “Fix price rounding” went live"
    assert found[0].url == f"/services/shop-api/deployments/{deployment.provider_id}/"


def test_an_operation_and_the_incident_of_its_alert_have_a_mark_each(api: Service, now: datetime) -> None:
    began = now - 40 * MINUTE
    for _ in range(2):
        operation = factories.operation(incident_began_at=began, incident="INC-412")
        change = factories.change(api, factories.deployment(api), operation=operation, status="failed")
    found = marks(api, now)
    assert [mark.kind for mark in found] == ["operation", "operation", "incident"]
    assert "was not rolled back to" in found[0].words
    assert found[0].url == change.operation.get_absolute_url()
    assert (found[2].at, found[2].words) == (began, "INC-412 began, as the alert said")


def test_an_incident_that_began_in_the_range_stands_there_though_the_operation_came_later(
    api: Service, now: datetime
) -> None:
    operation = factories.operation(incident_began_at=now - 3 * HOUR)
    factories.change(api, factories.deployment(api), operation=operation, status="failed")
    span = Span(api.pk, now - 4 * HOUR, now - 2 * HOUR)
    assert [mark.kind for mark in marks_of(api, span)[0]] == ["incident"]


def test_migrations_come_through_the_other_app(api: Service, now: datetime) -> None:
    recent = [{"name": "20261121_drop_legacy_price", "at": (now - 20 * MINUTE).isoformat()}]
    rollback_rows.database("shop", facts={"recent": recent})
    rollback_rows.database("stock", facts={"recent": recent}, services=["stock-api"])
    (mark,) = marks(api, now)
    assert (mark.kind, mark.at) == ("migration", now - 20 * MINUTE)
    assert mark.words == "20261121_drop_legacy_price applied on shop"


def test_of_too_many_marks_the_newest_are_shown_and_it_says_that_there_are_more(
    api: Service, now: datetime, django_assert_num_queries: Any
) -> None:
    deployment = factories.deployment(api)
    for number in range(MOST_MARKS + 5):
        at = now - number * timedelta(seconds=30)
        LivePeriod.objects.create(service=api, deployment=deployment, since=at)
    with django_assert_num_queries(4):
        found, more = marks_of(api, Span(api.pk, now - HOUR, now + MINUTE))
    assert (len(found), more) == (MOST_MARKS, True)
    assert found[0].at == now
    assert marks_of(api, Span(api.pk, now - 10 * MINUTE, now + MINUTE))[1] is False
