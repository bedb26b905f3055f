"""The timeline: what is on one row, what is folded, and where a page ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from deployments.forms.cursor import Cursor
from deployments.models import Deployment, Service
from deployments.pages.timeline import Timeline, build_timeline, columns_of
from deployments.providers.base import DeploymentStatus
from tests import factories

pytestmark = pytest.mark.django_db


def timeline(*services: Service, max_rows: int = 30, before: Cursor | None = None) -> Timeline:
    deployments = Deployment.objects.filter(service__in=services).order_by("-created_at", "-id")
    of_page = [
        row
        for row in deployments.select_related("service", "restores")
        if before is None
        or ((row.created_at, row.pk) < (before.at, before.pk) and row.pk not in before.shown)
    ]
    return build_timeline(of_page, columns_of(services), complete=True, max_rows=max_rows, start=before)


def subjects(page: Timeline) -> list[list[list[str]]]:
    """The subjects, row by row and cell by cell."""
    return [[[entry.deployment.subject for entry in cell] for cell in row.cells] for row in page.rows]


def test_the_same_commit_is_on_one_row_api_left_web_right(api: Service, web: Service) -> None:
    factories.deployment(web, "Add gift cards", created_at=factories.ago(minutes=58))
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=60))
    factories.deployment(api, "Log slow queries", created_at=factories.ago(minutes=90))
    assert subjects(timeline(api, web)) == [
        [["Add gift cards"], ["Add gift cards"]],
        [["Log slow queries"], []],
    ]


def test_a_row_carries_the_time_of_its_newest_deployment(api: Service, web: Service) -> None:
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=60))
    newest = factories.deployment(web, "Add gift cards", created_at=factories.ago(minutes=58))
    assert timeline(api, web).rows[0].at == newest.created_at


def test_the_same_commit_much_later_is_on_another_row(api: Service, web: Service) -> None:
    factories.deployment(api, "Add gift cards", created_at=factories.ago(hours=30))
    factories.deployment(web, "Add gift cards", created_at=factories.ago(hours=2))
    assert subjects(timeline(api, web)) == [[[], ["Add gift cards"]], [["Add gift cards"], []]]


def test_a_rollback_has_a_row_of_its_own(api: Service, web: Service) -> None:
    first = factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=50))
    factories.deployment(web, "Add gift cards", created_at=factories.ago(minutes=50))
    factories.deployment(
        api, "Add gift cards", created_at=factories.ago(minutes=5), restores=first, trigger="rollback"
    )
    assert subjects(timeline(api, web)) == [
        [["Add gift cards"], []],
        [["Add gift cards"], ["Add gift cards"]],
    ]


def test_a_preview_is_not_on_the_row_of_a_production_deployment(api: Service, web: Service) -> None:
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=50))
    factories.deployment(web, "Add gift cards", created_at=factories.ago(minutes=51), production=False)
    assert len(timeline(api, web).rows) == 2


def test_deployments_without_a_commit_are_on_separate_rows(api: Service, web: Service) -> None:
    factories.deployment(api, commit_sha="", created_at=factories.ago(minutes=50))
    factories.deployment(web, commit_sha="", created_at=factories.ago(minutes=50))
    assert len(timeline(api, web).rows) == 2


def test_a_second_build_of_the_same_code_is_folded_under_the_newer_one(api: Service) -> None:
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=50))
    older = factories.failed(api, "Add gift cards", created_at=factories.ago(minutes=80))
    (row,) = timeline(api).rows
    assert row.entries[0].rebuilds == [older]


def test_nothing_usable_hides_under_a_failed_build(api: Service) -> None:
    factories.failed(api, "Add gift cards", created_at=factories.ago(minutes=50))
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=80))
    assert len(timeline(api).rows) == 2


@pytest.mark.parametrize("fields", [{"can_roll_back": False}, {"missing_since": factories.ago(minutes=1)}])
def test_nothing_usable_hides_under_what_the_provider_no_longer_offers(
    web: Service, fields: dict[str, object]
) -> None:
    factories.deployment(web, "Add gift cards", created_at=factories.ago(minutes=50), **fields)
    factories.deployment(web, "Add gift cards", created_at=factories.ago(minutes=80))
    assert len(timeline(web).rows) == 2


def test_the_live_one_is_never_folded_away(api: Service) -> None:
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=50))
    factories.live(api, "Add gift cards", created_at=factories.ago(minutes=80))
    assert len(timeline(api).rows) == 2


def test_two_services_of_one_side_share_its_column(api: Service, web: Service) -> None:
    second = factories.service("api", name="search-api")
    for service in (api, second, web):
        factories.deployment(service, "Add gift cards", created_at=factories.ago(minutes=50))
    assert subjects(timeline(api, second, web)) == [[["Add gift cards"] * 2, ["Add gift cards"]]]


def test_a_lone_service_has_one_column(api: Service) -> None:
    factories.deployment(api)
    assert [column.title for column in timeline(api).columns] == [api.short]


def test_no_deployments_make_no_rows_and_no_next_page(api: Service) -> None:
    page = timeline(api)
    assert (page.rows, page.older) == ((), "")


def every_page(*services: Service, max_rows: int) -> Sequence[Timeline]:
    pages = [timeline(*services, max_rows=max_rows)]
    while pages[-1].older:
        before = Cursor.read(pages[-1].older)
        assert before is not None
        pages.append(timeline(*services, max_rows=max_rows, before=before))
    return pages


@pytest.mark.parametrize("max_rows", [1, 2, 3, 7])
def test_the_pages_together_show_every_deployment_once(api: Service, web: Service, max_rows: int) -> None:
    """The same commit is on both sides of the end of every page, and some commits are built twice."""
    start = factories.ago(days=1)
    for number in range(11):
        at = start - number * timedelta(minutes=20)
        factories.deployment(api, f"Change {number // 2}", created_at=at)
        if number % 3:
            factories.deployment(web, f"Change {number // 2}", created_at=at - timedelta(minutes=45))
    shown = [
        deployment.pk
        for page in every_page(api, web, max_rows=max_rows)
        for row in page.rows
        for entry in row.entries
        for deployment in (entry.deployment, *entry.rebuilds)
    ]
    assert sorted(shown) == sorted(Deployment.objects.values_list("pk", flat=True))


def test_deployments_of_the_same_instant_are_not_lost_between_pages(api: Service) -> None:
    at = factories.ago(hours=3)
    for number in range(5):
        factories.deployment(api, f"Change {number}", created_at=at)
    assert sum(len(page.rows) for page in every_page(api, max_rows=2)) == 5


def test_the_end_of_a_page_does_not_split_a_row(api: Service, web: Service) -> None:
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=10))
    factories.deployment(api, "Log slow queries", created_at=factories.ago(minutes=11))
    factories.deployment(web, "Add gift cards", created_at=factories.ago(minutes=12))
    assert subjects(timeline(api, web, max_rows=1)) == [[["Add gift cards"], ["Add gift cards"]]]


def test_a_page_that_was_cut_short_while_reading_goes_on_below(api: Service) -> None:
    row = factories.deployment(api)
    cut = build_timeline([row], columns_of([api]), complete=False)
    assert Cursor.read(cut.older) == Cursor(row.created_at, row.pk)


def test_a_status_the_portal_does_not_know_is_not_folded_over_a_usable_one(api: Service) -> None:
    factories.deployment(
        api,
        "Add gift cards",
        created_at=factories.ago(minutes=5),
        status=DeploymentStatus.UNKNOWN,
        raw_status="odd",
    )
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=9))
    assert len(timeline(api).rows) == 2


def test_an_older_build_of_the_same_commit_that_served_has_a_row_of_its_own(api: Service) -> None:
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=50))
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=80))
    assert len(timeline(api).rows) == 2
