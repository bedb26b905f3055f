"""The version check from outside, and what is saved of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Q, Sum
from django.test import Client
from django.utils import timezone

from deployments.metrics.version_check import check_followed_services, compare_live_version, quantile
from deployments.models import MetricPoint, MetricSource, Service
from deployments.sandbox.clock import utcnow
from deployments.sandbox.server.faults import Fault
from tests.deployments.conftest import Portal

BOTH = pytest.mark.parametrize("name", ["render", "vercel"])


@BOTH
def test_the_expected_commit_is_certain_and_saved(portal: Portal, name: str) -> None:
    service = portal.service(name)
    assert service.live is not None

    comparison = compare_live_version(service, service.live.commit_sha)

    service.refresh_from_db()
    assert (comparison.wrong, comparison.certain) == (False, True)
    assert service.live.commit_sha.startswith(service.version_check_sha)
    assert service.version_check_agree == service.version_check_total > 0
    assert service.version_check_message == comparison.message


@BOTH
def test_another_commit_is_wrong(portal: Portal, name: str) -> None:
    service = portal.service(name)

    comparison = compare_live_version(service, portal.candidate(service).commit_sha)

    assert (comparison.wrong, comparison.certain) == (True, False)


def test_a_service_without_addresses_is_neither_wrong_nor_certain(portal: Portal) -> None:
    Service.objects.update(addresses=[])

    comparison = compare_live_version(portal.api, "0" * 40)

    assert (comparison.wrong, comparison.certain) == (False, False)
    assert portal.api.version_checked_at is None


def test_without_an_expected_commit_nothing_is_wrong(portal: Portal) -> None:
    comparison = compare_live_version(portal.api, "")

    assert (comparison.wrong, comparison.certain) == (False, False)


def test_eight_percent_of_errors_are_seen_over_two_minutes_of_checks_and_nothing_is_green(
    portal: Portal, client_as: Callable[..., Client]
) -> None:
    assert portal.api.live is not None
    assert portal.world.deployments[portal.api.live.provider_id].error_rate == 0.08
    for _ in range(8):
        check_followed_services()

    page = client_as(portal.ana).get("/").content.decode()

    card = page[page.index('<article class="card"') :]
    card = card[: card.index("</article>")]
    assert portal.api.served.failing
    assert "3 of 40 requests" in card
    assert "FAILING" in card
    assert 'data-tone="good"' not in card
    assert "API 7.5% failing" in page[page.index("<title>") : page.index("</title>")]


@pytest.mark.parametrize("off", [timedelta(hours=1), -timedelta(hours=1)], ids=["ahead", "behind"])
def test_what_fails_is_called_failing_whatever_the_clock_of_the_machine_that_draws_the_page(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, off: timedelta
) -> None:
    for _ in range(8):
        check_followed_services()
    monkeypatch.setattr(timezone, "now", lambda: utcnow() + off)

    assert portal.api.served.failing
    assert "3 of 40 requests" in portal.api.served.message


def test_a_service_that_answers_well_is_not_called_failing(portal: Portal) -> None:
    for _ in range(8):
        check_followed_services()

    assert not portal.web.served.failing


def test_a_rollback_starts_the_count_anew(portal: Portal) -> None:
    for _ in range(8):
        check_followed_services()
    portal.roll_back("render")

    assert not portal.api.served.failing
    check_followed_services()
    assert not portal.api.served.failing


def test_what_another_commit_answered_is_not_counted_as_the_released_ones(portal: Portal) -> None:
    released = "b" * 40
    portal.sandbox.faults.add(Fault("public.page", "error", times=1, detail="503"))

    comparison = compare_live_version(portal.api, released, others_count=False)

    assert comparison.wrong
    assert comparison.window.commit_sha != released


# --- What the portal measures by its own requests ---


def probe_points(service: Service) -> dict[str, float]:
    rows = MetricPoint.objects.filter(service=service, source=MetricSource.PROBE)
    assert not rows.filter(Q(p50_ms=None) | Q(p95_ms=None)).exists()
    return rows.aggregate(requests=Sum("requests"), errors=Sum("errors"))


@BOTH
def test_each_round_is_added_to_what_the_portal_measures(portal: Portal, name: str) -> None:
    for _ in range(8):
        check_followed_services()
    service, found = portal.service(name), probe_points(portal.service(name))
    assert found["requests"] == 8 * 5 * len(service.addresses) == service.served.total
    assert found["errors"] == service.served.failures


def test_without_an_answer_there_is_a_failure_and_no_latency(portal: Portal) -> None:
    portal.sandbox.faults.add(Fault("public.page", "drop_before", times=None))
    check_followed_services()
    (row,) = MetricPoint.objects.filter(service=portal.api)
    assert row.requests
    assert (row.errors, row.p50_ms, row.p95_ms) == (row.requests, None, None)


def test_while_an_operation_runs_the_checks_go_on_and_leave_its_count_alone(portal: Portal) -> None:
    target = portal.candidate(portal.api)
    portal.ask(portal.api, target)
    compare_live_version(portal.api, target.commit_sha)
    window, before = portal.api.served_window, portal.api.version_checked_at
    assert window
    assert before

    check_followed_services()

    assert portal.api.version_checked_at > before  # type: ignore[operator]
    assert portal.api.served_window["commit"] == target.commit_sha  # type: ignore[index]
    assert portal.api.served_window["rounds"] == window["rounds"]  # type: ignore[index]
    assert probe_points(portal.api)["requests"] == 10


def test_every_address_is_asked_however_many_there_are(portal: Portal) -> None:
    names = [f"shop-{number}.example.net" for number in range(12)]
    portal.world.service("shop-api").domains += names
    Service.objects.filter(name="shop-api").update(addresses=[f"https://{name}" for name in names])
    check_followed_services()
    kept = portal.api.addresses_checked
    assert kept is not None
    assert [one["address"] for one in kept] == [f"https://{name}" for name in names]
    assert {one["asked"] for one in kept} == {5}
    assert all(one["latency_ms"] is not None for one in kept)


@pytest.mark.parametrize(
    ("rule", "failed"),
    [
        ({"health_path": "/healthz"}, 0),
        ({"health_path": "/healthz", "health_status": 204}, 5),
        ({"health_path": "/healthz", "health_field": "status=ok"}, 0),
        ({"health_path": "/healthz", "health_field": "queue"}, 5),
        ({"health_text": "It never says this"}, 5),
    ],
)
def test_the_health_rule_of_the_service_decides_what_a_failure_is(
    portal: Portal, rule: dict[str, Any], failed: int
) -> None:
    Service.objects.filter(name="shop-api").update(**rule)
    check_followed_services()
    assert (portal.api.served.total, portal.api.served.failures) == (5, failed)


def test_the_right_version_with_an_error_serves_and_fails(portal: Portal) -> None:
    live = portal.api.live
    assert live is not None
    portal.world.deployments[live.provider_id].error_rate = 1.0
    for _ in range(2):
        check_followed_services()
    assert portal.api.served.failing


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2), (0.95, 4), (1.0, 4), (0.01, 1)])
def test_a_quantile_is_a_value_that_was_measured(share: float, expected: float) -> None:
    assert quantile([3, 1, 2, 4], share) == expected
