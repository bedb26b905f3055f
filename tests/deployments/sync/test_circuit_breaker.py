"""The circuit breaker: background reads leave a failing provider alone, operations never do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.models import ProviderStatus
from deployments.providers.base import (
    Busy,
    NotAllowed,
    ProviderError,
    RateLimited,
    Refused,
    TooLate,
    Unreachable,
)
from deployments.sandbox.server.faults import Fault
from deployments.sync import circuit_breaker
from tests.deployments.conftest import Portal

pytestmark = pytest.mark.django_db
DOWN = Unreachable("Render cannot be reached; nothing was sent.")


def fail(times: int, error: ProviderError = DOWN) -> ProviderStatus:
    for _ in range(times):
        circuit_breaker.record_failure("render", error)
    return ProviderStatus.objects.get(provider="render")


def earlier(seconds: float) -> None:
    """Move the times of Render's circuit into the past."""
    for reading in ProviderStatus.objects.filter(provider="render"):
        for name in ("first_failed_at", "failed_at", "opened_at", "retry_at"):
            at = getattr(reading, name)
            setattr(reading, name, at - timedelta(seconds=seconds) if at else None)
        reading.save()


def in_seconds(reading: ProviderStatus) -> int:
    assert reading.retry_at is not None
    return round((reading.retry_at - timezone.now()).total_seconds())


def test_four_failures_leave_it_closed_and_the_fifth_opens_it_for_fifteen_seconds() -> None:
    reading = fail(4)
    assert (reading.opened_at, reading.retry_at) == (None, None)
    assert circuit_breaker.allows("render")
    reading = fail(1)
    assert reading.opened_at is not None
    assert in_seconds(reading) == 15
    assert not circuit_breaker.allows("render")
    assert not circuit_breaker.start_reading("render")


def test_failures_that_are_far_apart_do_not_add_up() -> None:
    fail(4)
    earlier(31)
    assert fail(4).opened_at is None


def test_one_reading_tries_again_and_its_failure_opens_the_circuit_once_more() -> None:
    fail(5)
    earlier(16)
    assert circuit_breaker.start_reading("render")
    assert not circuit_breaker.start_reading("render")  # half-open: one probe, not a crowd
    circuit_breaker.finish_reading("render")
    assert in_seconds(fail(1)) == 15
    assert not circuit_breaker.start_reading("render")


def test_a_whole_reading_closes_it() -> None:
    fail(5)
    circuit_breaker.record_success("render")
    reading = ProviderStatus.objects.get(provider="render")
    assert (reading.opened_at, reading.retry_at, reading.error, reading.failures) == (None, None, "", 0)
    assert reading.results == {"unreachable": 5, "answered": 1}


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_not_accepted_opens_it_at_once_for_a_minute(status: int) -> None:
    reading = fail(1, NotAllowed("Render does not accept our key.", status=status))
    assert reading.opened_at is not None
    assert in_seconds(reading) == 60


def test_what_the_provider_asked_for_is_never_cut_short() -> None:
    fail(1, Busy("Render asks us to slow down.", retry_after=120))
    assert in_seconds(fail(5)) == 120


def test_a_refusal_of_one_order_and_our_own_delay_are_no_failures_of_the_provider() -> None:
    for error in (
        Refused("No.", status=422),
        NotAllowed("No.", status=403),
        TooLate("Held up."),
        Busy("Render answered 500.", retry_after=5),
        RateLimited("Render asks us to slow down.", retry_after=5),
    ):
        circuit_breaker.record_operation_failure("render", error)
    assert ProviderStatus.objects.get(provider="render").failures == 0
    circuit_breaker.record_operation_failure("render", DOWN)
    assert ProviderStatus.objects.get(provider="render").failures == 1


def test_an_operation_goes_through_while_the_circuit_is_open(portal: Portal) -> None:
    fail(5)
    change = portal.roll_back("render")
    assert change.status == "succeeded"
    assert [row["kind"] for row in portal.posts()] == ["rollback"]


def test_the_other_provider_is_read_on(portal: Portal) -> None:
    fail(5)
    before = portal.api.synced_at, portal.web.synced_at
    portal.read()
    assert portal.api.synced_at == before[0]
    assert portal.web.synced_at > before[1]  # type: ignore[operator]


def test_a_provider_that_fails_every_reading_is_left_alone_in_the_end(portal: Portal) -> None:
    fault: dict[str, Any] = {"on": "render.*", "do": "drop_before", "times": None}
    portal.sandbox.faults.add(Fault(**fault))
    for _ in range(5):
        portal.read()
    asked = ProviderStatus.objects.get(provider="render")
    assert asked.opened_at is not None
    portal.read()
    assert ProviderStatus.objects.get(provider="render").failures == asked.failures
