"""What the dashboard and a service's page cost, in statements and calls: a clock would judge the machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deployments.models import Deployment, ProviderStatus, Service
from deployments.models.served_window import Round, ServedWindow
from tests import factories
from tests.deployments.conftest import Portal

pytestmark = pytest.mark.django_db
MOST_QUERIES = {"/": 29, "/services/shop-api/": 39}
MOST_CALLS_PER_ROW = 1_250  # with the signals that Django's test client adds to each template


def calls_of(act: Callable[[], Any]) -> int:
    """How many Python functions are called meanwhile."""
    count = 0

    def seen(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        act()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("address", MOST_QUERIES)
@pytest.mark.parametrize("outage", [False, True])
def test_a_page_of_the_small_company_takes_no_more_statements_than_it_has_to_in_an_outage_either(
    portal: Portal, responder: Client, address: str, outage: bool
) -> None:
    if outage:
        ProviderStatus.objects.update(error="It did not answer.")
    assert (b"by-hand-cards" in responder.get(address).content) == outage
    with CaptureQueriesContext(connection) as queries:
        assert responder.get(address).status_code == 200
    assert len(queries) <= MOST_QUERIES[address]


@pytest.mark.parametrize("address", ["/", "/services/shop-api/"])
def test_each_further_row_costs_little(responder: Client, address: str) -> None:
    api = factories.service("api", name="shop-api")
    rounds = [Round(factories.ago(seconds=15 * number), 5, {}) for number in reversed(range(20))]
    window = ServedWindow(factories.live(api).commit_sha, rounds)
    Service.objects.update(served_window=window.as_json(), version_checked_at=timezone.now())

    def calls_with(rows: int) -> int:
        for number in range(Deployment.objects.count(), rows):
            factories.deployment(api, f"Change {number}", created_at=factories.ago(hours=number + 1))
        responder.get(address)
        return calls_of(lambda: responder.get(address))

    few, many = calls_with(5), calls_with(25)
    assert (many - few) / 20 < MOST_CALLS_PER_ROW


def test_numbers_of_deployments_and_suggestions_take_no_statement_more(responder: Client) -> None:
    api = factories.service("api", name="shop-api")
    factories.live(api)

    def statements(rows: int) -> int:
        for number in range(Deployment.objects.count(), rows):
            numbers = {"live_requests": 9_000, "live_errors": number, "live_source": "provider"}
            made = factories.ago(hours=number + 2)
            factories.deployment(api, f"Change {number}", created_at=made, **numbers)
        with CaptureQueriesContext(connection) as queries:
            assert b"LAST KNOWN GOOD" in responder.get("/").content
        return len(queries)

    statements(3)  # what a first page loads for all
    few = statements(4)
    assert statements(60) == few
