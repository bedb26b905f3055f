"""The board: its rows, what each deployment offers, and when its version changes."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from django.utils import timezone

from deployments.forms.filters import Filters
from deployments.models import Service
from deployments.pages.board import Board, BoardRow, build_board, build_item
from deployments.pages.board.item import BoardItem
from deployments.pages.current_state import load_current_state
from deployments.pages.sentence import as_text
from tests import factories
from tests.deployments.operations.story import Story

pytestmark = pytest.mark.django_db


def board(*services: Service, query: str = "", may_operate: bool = True) -> Board:
    loaded = tuple(Service.objects.select_related("live").filter(pk__in=[row.pk for row in services]))
    filters = Filters(QueryDict(query), loaded)
    return build_board(loaded, load_current_state(loaded), filters, may_operate=may_operate)


def items(page: Board) -> list[BoardItem]:
    return [item for row in page.rows for cell in row.cells for item in cell.items]


def test_a_deployment_has_either_a_button_or_the_reason_why_not(api: Service) -> None:
    factories.deployment(api, "Fix price rounding", created_at=factories.ago(days=1))
    factories.failed(api, created_at=factories.ago(hours=1))
    factories.live(api)
    live, failed, previous = items(board(api))
    assert (live.live, live.url, live.dim) == (True, "", False)
    assert (failed.url, failed.dim) == ("", True)
    assert failed.ineligible_reason
    assert previous.url.endswith("/roll-back/")
    assert previous.ineligible_reason == ""


def test_somebody_who_may_only_look_sees_which_role_a_button_needs(api: Service) -> None:
    factories.deployment(api, created_at=factories.ago(days=1))
    factories.live(api)
    assert items(board(api, may_operate=False))[1].ineligible_reason == "needs the role responder"


def test_an_empty_cell_says_where_the_commit_was_built(api: Service, web: Service) -> None:
    factories.deployment(api, "Add gift cards", created_at=factories.ago(hours=1))
    factories.deployment(web, "Add gift cards", created_at=factories.ago(hours=30))
    factories.deployment(api, "Log slow queries", created_at=factories.ago(hours=2))
    notes = [cell.note for row in board(api, web).rows for cell in row.cells]
    assert notes[1].startswith("web built this commit ")
    assert "no web deployment of this commit" in notes


def test_only_a_deployment_that_is_older_than_its_row_shows_its_own_time(api: Service, web: Service) -> None:
    factories.deployment(api, "Add gift cards", created_at=factories.ago(minutes=30))
    factories.deployment(web, "Add gift cards", created_at=factories.ago(minutes=10))
    older, newer = items(board(api, web))
    assert "time" in [part.kind for part in older.facts]
    assert "time" not in [part.kind for part in newer.facts]


def test_a_column_with_several_services_names_them(api: Service) -> None:
    second = factories.service("api", name="search-api")
    factories.deployment(api, created_at=factories.ago(hours=1))
    assert as_text(items(board(api, second))[0].facts).startswith(f"{api.short} · ")


def test_commits_can_lie_only_between_two_different_production_commits(api: Service) -> None:
    factories.deployment(api, "Fix price rounding", created_at=factories.ago(days=1))
    factories.deployment(api, "Preview", created_at=factories.ago(days=2), production=False)
    factories.live(api)
    shown = {item.deployment.subject: item.comparable for item in items(board(api, query="show=all"))}
    assert shown == {"Faster checkout totals": False, "Fix price rounding": True, "Preview": False}


def test_rows_of_one_day_share_a_heading() -> None:
    now = timezone.now()
    assert BoardRow(now, ()).day == "Today"
    long_ago = now.replace(year=now.year - 2, month=3, day=4)
    assert BoardRow(long_ago, ()).day.endswith(f"4 March {now.year - 2}")


def test_the_version_stays_the_same_until_the_page_would_look_different(api: Service) -> None:
    factories.live(api)
    first = board(api).version
    Service.objects.update(synced_at=timezone.now(), version_checked_at=None)
    assert board(api).version == first
    Service.objects.update(live_conflict="Render calls two deployments live.")
    assert board(api).version != first


def test_the_version_depends_on_the_filters_and_on_what_the_person_may_do(api: Service) -> None:
    factories.live(api)
    versions = {
        board(api).version,
        board(api, query="author=Bo").version,
        board(api, may_operate=False).version,
    }
    assert len(versions) == 3


@pytest.mark.parametrize("kind", ["api", "web"])
def test_after_a_second_rollback_the_first_button_is_what_served_before_this_incident(kind: str) -> None:
    story = Story(kind)
    for number in range(4):
        story.deploy(f"Change {number}")
    first = story.roll_back(story.built[2], by="Bo Lind")
    story.roll_back(story.built[1])

    rows = items(board(story.service))

    assert [row.deployment for row in rows if row.url] == [story.built[0]]
    (suggested,) = [row for row in rows if row.suggested]
    assert (suggested.deployment, suggested.url) == (story.built[0], rows[-1].url)
    marked = {
        row.deployment.pk: badge.detail
        for row in rows
        for badge in row.badges
        if badge.word == "ROLLED BACK FROM"
    }
    assert marked.keys() == {story.built[3].pk, story.built[2].pk, first.pk}
    assert "by Bo Lind: Error rate up: 500s on checkout" in marked[story.built[3].pk]


def test_what_was_left_once_has_no_button_in_the_list_also_after_the_rollback_was_left(api: Service) -> None:
    story = Story("web")
    good, bad = story.deploy("Good"), story.deploy("Bad")
    story.roll_back(good)
    story.leave()

    rows = {row.deployment: row for row in items(board(story.service))}

    assert rows[bad].url == ""
    assert "open it to bring it back all the same" in rows[bad].ineligible_reason
    state = load_current_state([story.loaded])
    (service,) = state.services
    bad.service = service
    assert build_item(bad, state, may_operate=True).url != ""
