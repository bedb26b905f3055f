"""The numbers of the live card: before this deployment → now, never a zero for what is unknown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from deployments.clients import provider
from deployments.metrics.collecting import collect
from deployments.metrics.storage import Point, bucket, save_points
from deployments.models import LivePeriod, MetricSource, Operation, Service
from deployments.pages.bars.failing import failing_bars
from deployments.pages.cards import Card, cards_for, page_state
from deployments.pages.current_state import load_current_state
from deployments.pages.figures.live_figures import LiveFigures, load_figures
from deployments.pages.figures.sparkline import draw
from deployments.pages.sentence import as_text
from rollback_portal.jobs import clock
from tests import factories
from tests.deployments.conftest import Portal

MINUTE = timedelta(minutes=1)


def fill(service: Service, first: float, last: float, source: str = "provider", **values: Any) -> None:
    """A point every 30 s, from so many minutes ago until so many minutes ago."""
    now = bucket(clock.now(), 30)
    fields = {"requests": 100, "errors": 0, "p95_ms": 300, **values}
    save_points(
        Point(service.pk, MetricSource(source), now - 30 * number * timedelta(seconds=1), **fields)
        for number in range(round(last * 2), round(first * 2))
    )


def figures(service: Service) -> LiveFigures:
    return load_figures([Service.objects.select_related("live").get(pk=service.pk)])[service.pk]


def card(service: Service) -> Card:
    services = tuple(Service.objects.for_dashboard().filter(pk=service.pk))
    return cards_for(services, load_current_state(services))[0]


def test_before_is_the_half_hour_before_the_deployment_and_now_the_last_five_minutes(
    live_api: Service,
) -> None:
    fill(live_api, 60, 13.5, errors=1, p95_ms=310)
    fill(live_api, 12, 0, errors=8, p95_ms=1900)
    shown = figures(live_api)
    assert (shown.share_before, shown.share_now) == ("1.0%", "8.0%")
    assert (shown.p95_before, shown.p95_now) == ("310 ms", "1.9 s")
    assert shown.error_word == "5xx, last 5 min"
    assert shown.rate == "3.3/s"
    assert "ago · measured by the provider · before: n 6,000, 30 min up to this deployment" in as_text(
        shown.provenance
    )


def test_where_nothing_was_measured_there_is_no_data_and_nothing_is_green_or_red_for_it(
    live_api: Service, client_as: Callable[..., Client]
) -> None:
    shown = figures(live_api)
    assert {shown.share_now, shown.share_before, shown.p95_now, shown.p95_before, shown.rate} == {"no data"}
    assert (shown.failing, shown.spark.empty, as_text(shown.provenance)) == ("", True, "")
    page = client_as("responder").get("/").content.decode()
    assert "Errors of the last two hours: no data" in page
    assert "0%" not in page[page.index('<dl class="metrics">') : page.index("Served check")]


def test_old_numbers_are_not_now(live_api: Service) -> None:
    fill(live_api, 12, 6, errors=50)
    assert (figures(live_api).share_now, figures(live_api).failing) == ("no data", "")


def test_the_first_minutes_of_a_deployment_count_from_its_beginning(api: Service) -> None:
    factories.live(api, created_at=timezone.now() - 3 * MINUTE)  # live for 2 min 10 s
    fill(api, 30, 3, errors=90)
    fill(api, 2, 0, errors=0)
    assert (figures(api).share_now, figures(api).failing) == ("0%", "")
    assert figures(api).error_word == "5xx, last 2 min"


@pytest.mark.parametrize(
    ("requests", "errors", "fails"),
    [(100, 8, True), (100, 5, False), (5, 5, False), (7, 7, True), (100, 0, False)],
)
def test_a_service_fails_above_the_limit_and_with_enough_requests(
    live_api: Service, requests: int, errors: int, fails: bool
) -> None:
    """Ten buckets: fewer than 60 requests say nothing."""
    fill(live_api, 5, 0, requests=requests, errors=errors)
    assert bool(figures(live_api).failing) == fails


def test_the_word_the_bar_the_title_and_the_icon_follow(live_api: Service) -> None:
    live = live_api.live
    assert live is not None
    Service.objects.update(
        version_check_sha=live.commit_sha, version_check_agree=5, version_check_total=5,
        version_checked_at=timezone.now(),
    )  # fmt: skip
    assert card(live_api).badge.word == "SERVED AS LIVE"
    fill(live_api, 5, 0, errors=8)
    state = load_current_state(Service.objects.for_dashboard())
    badge = card(live_api).badge
    assert (badge.word, badge.detail, badge.tone) == ("FAILING", "8.0%", "bad")
    assert page_state(state) == ("bad", "API 8.0% failing")
    (bar,) = failing_bars(state)
    assert bar.word == "API FAILING 8.0%"
    assert as_text(bar.message).startswith("8.0% of 1,000 requests in the last 5 min failed")


def test_the_portals_own_requests_stand_in_and_say_so(live_api: Service) -> None:
    fill(live_api, 5, 0, "probe", requests=10, errors=1)
    shown = figures(live_api)
    assert (shown.share_now, shown.error_word) == ("10.0%", "Errors, last 5 min")
    assert "measured by the portal" in as_text(shown.provenance)
    assert shown.rate == "no data"  # nobody counted the visitors


def test_the_companys_eight_percent_are_on_the_first_page(
    portal: Portal, client_as: Callable[..., Client]
) -> None:
    collect("render", provider("render"))
    page = client_as(portal.ana).get("/").content.decode()
    title = page[page.index("<title>") : page.index("</title>")]
    assert "API" in title
    assert "failing" in title
    assert "FAILING" in page
    assert "icons/bad.svg" in page
    assert 'class="c-line" data-tone="bad"' in page
    assert "went live" in page
    assert "errors up" in page


# --- The line ---


def test_a_gap_in_the_data_is_a_gap_in_the_line(live_api: Service) -> None:
    fill(live_api, 100, 80)
    fill(live_api, 40, 20)
    spark = figures(live_api).spark
    assert len(spark.lines) == 2
    assert spark.bad == ()


def test_errors_are_marked_from_where_they_began(live_api: Service) -> None:
    fill(live_api, 110, 30)
    fill(live_api, 30, 0, errors=20)
    fill(live_api, 60, 58, errors=20)  # was over again
    spark = figures(live_api).spark
    (began,) = [mark for mark in spark.marks if mark.kind == "errors"]
    assert 28 * MINUTE <= clock.now() - began.at <= 33 * MINUTE
    assert "too many since" in spark.label
    assert len(spark.bad) == 1


def test_deployments_and_operations_are_on_the_axis(live_api: Service) -> None:
    live = live_api.live
    assert live is not None
    since = timezone.now() - 60 * MINUTE
    LivePeriod.objects.create(service=live_api, deployment=live, since=since)
    change = factories.change(live_api, status="succeeded")
    began = timezone.now() - 90 * MINUTE
    Operation.objects.filter(pk=change.operation_id).update(incident_began_at=began)
    kinds = {mark.kind: mark for mark in figures(live_api).spark.marks}
    assert set(kinds) == {"deployment", "operation", "incident"}
    assert 23 < float(kinds["incident"].x.rstrip("%")) < 27
    assert 48 < float(kinds["deployment"].x.rstrip("%")) < 52


def test_without_points_the_words_say_so() -> None:
    now = timezone.now()
    assert draw([], [], now - 120 * MINUTE, now).label.endswith("no data")
