"""Whether a deployment is to blame: found for all services together, and forgotten when errors are down."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.analysis.blame import BlameKind
from deployments.metrics.storage import bucket
from deployments.models import Deployment, LivePeriod, Service, ServiceBlame
from deployments.verdicts import blaming
from rollback_portal.jobs import clock
from tests import factories
from tests.deployments.analysis import series
from tests.deployments.verdicts.story import INCIDENT, USUAL, minutes, save


def went_live(service: Service, at: datetime) -> Deployment:
    live = factories.live(service, f"Deployed {at}", created_at=at - minutes(1), live_since=at)
    LivePeriod.objects.create(service=service, deployment=live, since=at)
    return live


def errors_since(service: Service, ago: float, share: float = INCIDENT, usual: float = USUAL) -> datetime:
    """Errors have been up for so many minutes; returns when they began."""
    now = bucket(clock.now(), 30)
    began = now - minutes(ago)
    save(service, series.points(began - minutes(300), 300, usual))
    save(service, series.points(began, ago, share))
    return began


def found(service: Service) -> ServiceBlame | None:
    return ServiceBlame.objects.filter(service=service).first()


def test_the_deployment_after_which_errors_began_is_named(api: Service) -> None:
    began = errors_since(api, 20)
    live = went_live(api, began - minutes(2))
    blaming.look_for_causes()
    row = found(api)
    assert row is not None
    assert (row.kind, row.deployment) == (BlameKind.AFTER_DEPLOYMENT, live)
    assert row.sentence.startswith(
        f"Errors began 2 min after deployment {live.short_sha}. 5xx 0.1% until then, 8."
    )


def test_errors_from_before_the_deployment_are_not_blamed_on_it(api: Service) -> None:
    began = errors_since(api, 60)
    live = went_live(api, began + minutes(40))
    blaming.look_for_causes()
    row = found(api)
    assert row is not None
    assert (row.kind, row.deployment) == (BlameKind.BEFORE_DEPLOYMENT, None)
    assert row.sentence.startswith(f"Errors began 40 min before deployment {live.short_sha}")


def test_errors_that_were_up_all_along_have_no_clear_start(api: Service) -> None:
    errors_since(api, 20, usual=INCIDENT)
    blaming.look_for_causes()
    row = found(api)
    assert row is not None
    assert row.kind == BlameKind.NO_CLEAR_START
    assert "without a clear start" in row.sentence


def test_while_errors_are_down_nothing_is_looked_for_and_what_was_found_is_forgotten(api: Service) -> None:
    errors_since(api, 20, share=USUAL)
    ServiceBlame.objects.create(
        service=api, kind=BlameKind.NO_CLEAR_START, sentence="Errors are up.", judged_at=clock.now()
    )
    blaming.look_for_causes()
    assert found(api) is None


def test_where_an_incidents_beginning_was_given_it_is_looked_for_all_the_same(api: Service) -> None:
    errors_since(api, 20, share=USUAL)
    factories.change(api, factories.live(api), operation=factories.operation(incident_began_at=clock.now()))
    blaming.look_for_causes()
    row = found(api)
    assert row is not None
    assert row.kind == BlameKind.NOTHING_WRONG
    assert row.sentence.startswith("Nothing is wrong in the numbers: ")


def test_more_services_need_no_more_queries(db: None) -> None:
    services: list[Any] = []

    def queries_with(number: int) -> int:
        while len(services) < number:
            services.append(factories.service("api"))
            went_live(services[-1], errors_since(services[-1], 10) - minutes(1))
        with CaptureQueriesContext(connection) as queries:
            blaming.look_for_causes()
        return len(queries)

    few, many = queries_with(2), queries_with(6)
    assert few == many
    assert ServiceBlame.objects.count() == 6


def test_of_very_many_the_ones_looked_at_longest_ago_come_first(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blaming, "MOST_AT_ONCE", 1)
    services = [factories.service("api") for _ in range(3)]
    for service in services:
        errors_since(service, 10)
    for _ in services:
        blaming.look_for_causes()
    assert ServiceBlame.objects.count() == 3


def test_what_was_found_long_ago_does_not_hold(api: Service) -> None:
    now = clock.now()
    row = ServiceBlame(service=api, sentence="Errors are up.", judged_at=now)
    assert row.holds(now + timedelta(seconds=119))
    assert not row.holds(now + timedelta(seconds=121))
