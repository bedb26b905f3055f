"""The two lists on one time axis: what stands on one row, what is folded, and where a page ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from deployments.models import Deployment, Service
from deployments.pages.timeline import Axis, Cursor, columns_of, lay_out
from deployments.providers.base import DeploymentStatus
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Service:
    return factories.service("api")


@pytest.fixture
def web() -> Service:
    return factories.service("web")


def arranged(*services: Service, rows: int = 30, before: Cursor | None = None) -> Axis:
    found = Deployment.objects.filter(service__in=services).order_by("-created_at", "-id")
    left = [
        row
        for row in found.select_related("service", "restores")
        if before is None
        or ((row.created_at, row.pk) < (before.at, before.pk) and row.pk not in before.shown)
    ]
    return lay_out(left, columns_of(services), complete=True, rows=rows, start=before)


def picture(axis: Axis) -> list[list[list[str]]]:
    """The subjects, row by row and cell by cell."""
    return [
        [[entry.deployment.subject for entry in cell] for cell in moment.cells] for moment in axis.moments
    ]


def test_the_same_commit_stands_on_one_row_api_left_web_right(api: Service, web: Service) -> None:
    factories.deployment(web, "Add gift cards", created_at=factories.ago(minutes=58))
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=60))
    factories.deployment(api, "Log slow queries", created_at=factories.ago(minutes=90))
    assert picture(arranged(api, web)) == [
        [["Add gift cards"], ["Add gift cards"]],
        [["Log slow queries"], []],
    ]


def test_a_row_carries_the_time_of_its_newest_deployment(api: Service, web: Service) -> None:
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=60))
    newest = factories.deployment(web, "Add gift cards", created_at=factories.ago(minutes=58))
    assert arranged(api, web).moments[0].at == newest.created_at


def test_the_same_commit_much_later_is_another_moment(api: Service, web: Service) -> None:
    factories.deployment(api, "Add gift cards", created_at=factories.ago(hours=30))
    factories.deployment(web, "Add gift cards", created_at=factories.ago(hours=2))
    assert picture(arranged(api, web)) == [[[], ["Add gift cards"]], [["Add gift cards"], []]]


def test_a_rollback_is_a_moment_of_its_own(api: Service, web: Service) -> None:
    first = factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=50))
    factories.deployment(web, "Add gift cards", created_at=factories.ago(minutes=50))
    factories.deployment(
        api, "Add gift cards", created_at=factories.ago(minutes=5), restores=first, trigger="rollback"
    )
    assert picture(arranged(api, web)) == [
        [["Add gift cards"], []],
        [["Add gift cards"], ["Add gift cards"]],
    ]


def test_a_preview_is_no_twin_of_a_production_deployment(api: Service, web: Service) -> None:
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=50))
    factories.deployment(web, "Add gift cards", created_at=factories.ago(minutes=51), production=False)
    assert len(arranged(api, web).moments) == 2


def test_a_commit_without_an_id_has_no_twin(api: Service, web: Service) -> None:
    factories.deployment(api, commit_sha="", created_at=factories.ago(minutes=50))
    factories.deployment(web, commit_sha="", created_at=factories.ago(minutes=50))
    assert len(arranged(api, web).moments) == 2


def test_a_second_build_of_the_same_code_is_folded_under_the_newer_one(api: Service) -> None:
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=50))
    older = factories.failed(api, "Add gift cards", created_at=factories.ago(minutes=80))
    (moment,) = arranged(api).moments
    assert moment.entries[0].again == [older]


def test_nothing_usable_hides_under_a_failed_build(api: Service) -> None:
    factories.failed(api, "Add gift cards", created_at=factories.ago(minutes=50))
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=80))
    assert len(arranged(api).moments) == 2


@pytest.mark.parametrize("fields", [{"can_roll_back": False}, {"missing_since": factories.ago(minutes=1)}])
def test_nothing_usable_hides_under_what_the_provider_no_longer_offers(
    web: Service, fields: dict[str, object]
) -> None:
    factories.deployment(web, "Add gift cards", created_at=factories.ago(minutes=50), **fields)
    factories.deployment(web, "Add gift cards", created_at=factories.ago(minutes=80))
    assert len(arranged(web).moments) == 2


def test_the_live_one_is_never_folded_away(api: Service) -> None:
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=50))
    factories.live(api, "Add gift cards", created_at=factories.ago(minutes=80))
    assert len(arranged(api).moments) == 2


def test_two_services_of_one_side_share_its_column(api: Service, web: Service) -> None:
    second = factories.service("api", name="search-api")
    for service in (api, second, web):
        factories.deployment(service, "Add gift cards", created_at=factories.ago(minutes=50))
    assert picture(arranged(api, second, web)) == [[["Add gift cards"] * 2, ["Add gift cards"]]]


def test_a_lone_service_has_one_column(api: Service) -> None:
    factories.deployment(api)
    assert [column.title for column in arranged(api).columns] == [api.short]


def test_no_deployments_make_no_rows_and_no_next_page(api: Service) -> None:
    axis = arranged(api)
    assert (axis.moments, axis.older) == ((), "")


def every_page(*services: Service, rows: int) -> Sequence[Axis]:
    pages = [arranged(*services, rows=rows)]
    while pages[-1].older:
        before = Cursor.read(pages[-1].older)
        assert before is not None
        pages.append(arranged(*services, rows=rows, before=before))
    return pages


@pytest.mark.parametrize("rows", [1, 2, 3, 7])
def test_the_pages_together_show_every_deployment_once(api: Service, web: Service, rows: int) -> None:
    """Twins two minutes apart straddle every page's end; some commits are built twice."""
    start = factories.ago(days=1)
    for number in range(11):
        at = start - number * timedelta(minutes=20)
        factories.deployment(api, f"Change {number // 2}", created_at=at)
        if number % 3:
            factories.deployment(web, f"Change {number // 2}", created_at=at - timedelta(minutes=45))
    shown = [
        row.pk
        for page in every_page(api, web, rows=rows)
        for moment in page.moments
        for entry in moment.entries
        for row in (entry.deployment, *entry.again)
    ]
    assert sorted(shown) == sorted(Deployment.objects.values_list("pk", flat=True))


def test_deployments_of_the_same_instant_are_not_lost_between_pages(api: Service) -> None:
    at = factories.ago(hours=3)
    for number in range(5):
        factories.deployment(api, f"Change {number}", created_at=at)
    assert sum(len(page.moments) for page in every_page(api, rows=2)) == 5


def test_a_twin_is_not_torn_from_its_row_by_the_end_of_a_page(api: Service, web: Service) -> None:
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=10))
    factories.deployment(api, "Log slow queries", created_at=factories.ago(minutes=11))
    factories.deployment(web, "Add gift cards", created_at=factories.ago(minutes=12))
    assert picture(arranged(api, web, rows=1)) == [[["Add gift cards"], ["Add gift cards"]]]


def test_a_page_that_was_cut_short_while_reading_goes_on_below(api: Service) -> None:
    row = factories.deployment(api)
    cut = lay_out([row], columns_of([api]), complete=False)
    assert Cursor.read(cut.older) == Cursor(row.created_at, row.pk)


def test_a_cursor_survives_its_address() -> None:
    cursor = Cursor(factories.ago(days=400), 17, (4, 5))
    assert Cursor.read(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    ["", "1", "a.b", "1.2.x", "-1.2", "1..2", "9" * 40 + ".1", "1." + "9" * 30, "1.2" + ".3" * 2_000, "١.٢"],
)
def test_an_address_that_names_no_place_is_no_cursor(text: str) -> None:
    assert Cursor.read(text) is None


def test_a_status_the_portal_does_not_know_is_not_folded_over_a_usable_one(api: Service) -> None:
    factories.deployment(
        api,
        "Add gift cards",
        created_at=factories.ago(minutes=5),
        status=DeploymentStatus.UNKNOWN,
        raw_status="odd",
    )
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=9))
    assert len(arranged(api).moments) == 2
