"""The version check from outside, and what is saved of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from deployments.models import Service
from deployments.sandbox.clock import utcnow
from deployments.sandbox.server.faults import Fault
from deployments.sync.version_check import check_followed_services, compare_live_version
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
    assert "SERVES, AND FAILS" in card
    assert 'data-tone="good"' not in card
    assert "API fails" in page[page.index("<title>") : page.index("</title>")]


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
