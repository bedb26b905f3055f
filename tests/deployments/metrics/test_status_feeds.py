"""The providers' status pages: rows with an age, and a bar while an incident is open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.test import Client

from deployments.metrics.status_feeds import read_status_pages
from deployments.models import StatusFeed
from deployments.pages.bars.provider_incidents import incident_bars
from deployments.pages.current_state import load_current_state
from deployments.pages.sentence import as_text
from deployments.providers.base import Unreadable
from deployments.providers.public.status_page import read_unresolved
from deployments.sandbox.server import status_pages
from deployments.sandbox.server.faults import Fault
from tests.deployments.conftest import Portal

BOTH = pytest.mark.parametrize("provider", ["render", "vercel"])


def bars(portal: Portal) -> list[str]:
    state = load_current_state([portal.api, portal.web])
    return [f"{bar.word}: {as_text(bar.message)}{as_text(bar.still_works)}" for bar in incident_bars(state)]


@BOTH
def test_an_open_incident_is_a_bar_until_it_is_over(portal: Portal, provider: Any) -> None:
    read_status_pages()
    assert bars(portal) == []
    status_pages.begin(portal.world, provider, "Builds are slow", "minor", since=1440)
    read_status_pages()
    (bar,) = bars(portal)
    assert bar.startswith(f"{provider.upper()} REPORTS AN INCIDENT: Builds are slow (minor), since ")
    assert "(24 min). Its status page was read 0 s ago. A deployment need not be to blame." in bar
    status_pages.end_all(portal.world)
    read_status_pages()
    assert bars(portal) == []


@pytest.mark.parametrize("do", ["error", "not_json", "drop_before", "rename", "missing", "refuse_connection"])
def test_a_status_page_that_does_not_answer_changes_nothing(portal: Portal, do: str) -> None:
    status_pages.begin(portal.world, "render", "Builds are slow")
    read_status_pages()
    kept = StatusFeed.objects.get(provider="render")
    portal.sandbox.faults.add(
        Fault("status.*", do, times=None, detail="incidents=x" if do == "rename" else "")
    )

    read_status_pages()

    now = StatusFeed.objects.get(provider="render")
    assert (now.incidents, now.read_at) == (kept.incidents, kept.read_at)
    assert now.error
    (bar,) = bars(portal)
    assert "it has not answered since" in bar


def test_a_page_that_never_answered_is_no_incident_and_no_all_clear(portal: Portal) -> None:
    portal.sandbox.faults.add(Fault("status.*", "error", times=None))
    read_status_pages()
    assert bars(portal) == []
    assert StatusFeed.objects.get(provider="vercel").read_at is None


def test_the_bar_is_on_the_page_and_links_to_the_incident(
    portal: Portal, client_as: Callable[..., Client]
) -> None:
    status_pages.begin(portal.world, "vercel", "<b>Edge</b> errors", "critical")
    read_status_pages()
    page = client_as(portal.ana).get("/").content.decode()
    assert "VERCEL REPORTS AN INCIDENT" in page
    assert "&lt;b&gt;Edge&lt;/b&gt; errors" in page
    assert 'href="https://stspg.example/' in page


def test_only_the_providers_of_the_services_on_the_page_count(portal: Portal) -> None:
    status_pages.begin(portal.world, "vercel", "Edge errors")
    read_status_pages()
    assert incident_bars(load_current_state([portal.api])) == []


def read(body: Any, status: int = 200) -> list[tuple[str, str, str]]:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json=body))
    found = read_unresolved("https://status.example", httpx.Client(transport=transport))
    return [(one.name, one.impact, one.url) for one in found]


ONE = {"id": "a", "name": "Builds\u202e slow\n", "impact": "minor", "shortlink": "https://stspg.example/a"}


@pytest.mark.parametrize(
    ("row", "read_as"),
    [
        (ONE, [("Builds slow", "minor", "https://stspg.example/a")]),
        ({**ONE, "shortlink": "javascript:alert(1)"}, [("Builds slow", "minor", "")]),
        ({**ONE, "impact": None, "shortlink": 5}, [("Builds slow", "", "")]),
        ({**ONE, "status": "resolved"}, []),
        ({**ONE, "resolved_at": "2026-01-01T00:00:00Z"}, []),
        ({**ONE, "id": ""}, []),
        ("a", []),
    ],
)
def test_a_hostile_or_incomplete_incident_is_cleaned_or_left_out(
    row: Any, read_as: list[tuple[str, str, str]]
) -> None:
    assert read({"incidents": [row]}) == read_as


@pytest.mark.parametrize("body", [{}, [], None, "x", {"incidents": {}}, {"incidents": None}])
def test_what_is_no_list_of_incidents_is_unreadable(body: Any) -> None:
    with pytest.raises(Unreadable):
        read(body)


def test_an_old_reading_says_how_old_it_is(portal: Portal) -> None:
    status_pages.begin(portal.world, "render", "Builds are slow")
    read_status_pages()
    feed = StatusFeed.objects.get(provider="render")
    assert feed.read_at
    StatusFeed.objects.filter(provider="render").update(read_at=feed.read_at - timedelta(minutes=40))
    assert "read 40 min ago" in bars(portal)[0]
