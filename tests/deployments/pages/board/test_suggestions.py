"""The suggestion of each service: a card where something is wrong or unknown, else one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.utils import timezone

from deployments.forms.filters import Filters
from deployments.models import Deployment, Service
from deployments.models.served_window import Round, ServedWindow
from deployments.pages.board import Board, build_board
from deployments.pages.board.suggestions import SuggestionCard
from deployments.pages.current_state import load_current_state
from tests import factories
from tests.deployments.pages.figures.test_live_figures import fill

pytestmark = pytest.mark.django_db
GOOD: dict[str, Any] = {
    "live_requests": 10_000,
    "live_errors": 10,
    "live_source": "provider",
    "live_seconds": 11_400,
}


@pytest.fixture
def api_with_history(api: Service) -> Service:
    """Live for 40 minutes; before that something short, and before that the last known good one."""
    factories.provider_status("render")
    factories.deployment(api, "Good", created_at=factories.ago(hours=4), **GOOD)
    short = {"live_seconds": 120, "live_until": factories.ago(minutes=40)}
    factories.deployment(api, "Short", created_at=factories.ago(minutes=42), **short)
    factories.live(api, created_at=factories.ago(minutes=40))
    return api


def board(*services: Service, may_operate: bool = True) -> Board:
    loaded = tuple(Service.objects.for_dashboard().filter(pk__in=[one.pk for one in services]))
    filters = Filters(QueryDict(""), loaded)
    return build_board(loaded, load_current_state(loaded), filters, may_operate=may_operate)


def suggestion(service: Service, **options: Any) -> SuggestionCard:
    (found,) = board(service, **options).suggestions
    return found


def badges(page: Board) -> dict[str, list[str]]:
    return {
        item.deployment.subject: [badge.word for badge in item.badges]
        for row in page.rows
        for cell in row.cells
        for item in cell.items
    }


def probed(service: Service, ago: int = 0) -> None:
    """The portal's own requests of five minutes, the last of them so many seconds ago."""
    rounds = [Round(factories.ago(seconds=ago + 15 * number), 5, {}) for number in reversed(range(20))]
    assert service.live is not None
    Service.objects.filter(pk=service.pk).update(
        served_window=ServedWindow(service.live.commit_sha, rounds).as_json(),
        version_checked_at=factories.ago(seconds=ago - 1),
    )


def failing(service: Service) -> None:
    fill(service, 6, 0, errors=8)


def well(service: Service) -> None:
    fill(service, 30, 0)


def test_while_errors_are_up_its_button_is_the_only_filled_one_and_the_rows_step_back(
    api_with_history: Service,
) -> None:
    failing(api_with_history)
    page = board(api_with_history)
    (found,) = page.suggestions
    assert (found.calm, found.wrong) == (False, True)
    assert found.deployment is not None
    assert found.deployment.subject == "Good"
    assert found.url.endswith(f"/deployments/{found.deployment.provider_id}/roll-back/")
    assert found.button == "Roll back shop-api"
    assert page.steps_back


def test_where_the_numbers_say_that_nothing_is_wrong_it_is_one_line_and_nothing_steps_back(
    api_with_history: Service,
) -> None:
    well(api_with_history)
    page = board(api_with_history)
    (found,) = page.suggestions
    assert (found.calm, found.wrong) == (True, False)
    assert found.url
    assert not page.steps_back


def test_what_is_not_known_is_neither_calm_nor_wrong(api_with_history: Service) -> None:
    for _ in range(2):
        page = board(api_with_history)
        (found,) = page.suggestions
        assert (found.calm, found.wrong, page.steps_back) == (False, False, False)
        assert found.url
        fill(api_with_history, 5, 0, errors=None)


def test_the_portals_own_requests_are_evidence_while_they_are_fresh(api_with_history: Service) -> None:
    probed(api_with_history, 5)
    assert suggestion(api_with_history).calm
    probed(api_with_history, 180)
    assert not suggestion(api_with_history).calm


def test_numbers_of_a_snapshot_are_no_evidence(api_with_history: Service) -> None:
    well(api_with_history)
    Service.objects.update(read_failures=1, read_failed_at=timezone.now())
    assert not suggestion(api_with_history).calm


def test_what_serves_something_else_is_wrong_whatever_the_numbers_say(api_with_history: Service) -> None:
    well(api_with_history)
    Service.objects.update(version_check_sha="a" * 40, version_check_total=5, version_check_agree=5)
    assert suggestion(api_with_history).wrong


def test_it_stays_open_until_errors_have_been_gone_for_a_while(api_with_history: Service) -> None:
    fill(api_with_history, 18, 12, errors=30)
    fill(api_with_history, 12, 0)
    found = suggestion(api_with_history)
    assert (found.wrong, found.calm) == (True, False)


def test_errors_of_longer_ago_or_of_the_deployment_before_leave_it_calm(api_with_history: Service) -> None:
    fill(api_with_history, 60, 41, errors=50)
    fill(api_with_history, 30, 24, errors=50)
    fill(api_with_history, 24, 0)
    assert suggestion(api_with_history).calm


def test_once_something_else_is_live_its_own_numbers_count(api_with_history: Service) -> None:
    Deployment.objects.filter(live_until=None).update(live_since=factories.ago(minutes=9))
    fill(api_with_history, 18, 10, errors=50)
    fill(api_with_history, 10, 0)
    assert suggestion(api_with_history).calm


def test_a_single_failed_request_in_a_quiet_hour_opens_nothing(api_with_history: Service) -> None:
    fill(api_with_history, 30, 0, requests=2)
    fill(api_with_history, 2, 1.5, requests=2, errors=1)
    assert suggestion(api_with_history).calm


def test_of_two_services_only_what_fails_has_the_filled_button(
    api_with_history: Service, web: Service
) -> None:
    factories.deployment(web, created_at=factories.ago(hours=3))
    factories.live(web)
    failing(api_with_history)
    found = {one.service.pk: one for one in board(api_with_history, web).suggestions}
    assert (found[api_with_history.pk].wrong, found[web.pk].wrong) == (True, False)
    assert found[web.pk].url


def test_the_badges_of_the_rows_agree_with_it(api_with_history: Service) -> None:
    page = board(api_with_history)
    assert badges(page)["Good"] == ["LAST KNOWN GOOD"]
    assert badges(page)["Short"] == ["PREVIOUS"]
    assert page.suggestions[0].badge is not None
    assert page.suggestions[0].badge.word == "LAST KNOWN GOOD"
    Deployment.objects.update(live_requests=None, live_errors=None, live_source="")
    page = board(api_with_history)
    assert badges(page)["Good"] == []
    assert page.suggestions[0].badge is not None
    assert page.suggestions[0].badge.word == "PREVIOUS"
    assert page.suggestions[0].reason == "served before this; no numbers"


def operation_runs(service: Service) -> None:
    factories.change(service, service.deployments.first())


def pinned(service: Service) -> None:
    factories.pin(service)


@pytest.mark.parametrize(
    ("happens", "may_operate", "reason"),
    [
        (operation_runs, True, "Ana Ruiz has an operation under way on shop-api"),
        (pinned, True, "by Bo Lind; the list below goes further back"),
        (lambda service: None, False, "needs the role responder"),
    ],
)
def test_where_there_is_no_button_it_says_why(
    api_with_history: Service, happens: Callable[[Service], None], may_operate: bool, reason: str
) -> None:
    failing(api_with_history)
    happens(api_with_history)
    page = board(api_with_history, may_operate=may_operate)
    (found,) = page.suggestions
    assert found.url == ""
    assert found.no_button.endswith(reason)
    assert found.deployment is not None
    assert not page.steps_back


def test_a_service_without_a_history_says_so(web: Service) -> None:
    factories.provider_status("vercel")
    factories.live(web)
    found = suggestion(web)
    assert (found.deployment, found.url, found.badge) == (None, "", None)
    assert found.no_button.startswith("no earlier deployment is known that can still serve")


def test_the_page_is_drawn_anew_when_the_suggestion_changes_and_not_before(api_with_history: Service) -> None:
    before = board(api_with_history).version
    assert board(api_with_history).version == before
    Deployment.objects.filter(commit_message__startswith="Good").update(live_errors=9_000)
    assert board(api_with_history).version != before


def test_it_is_the_same_however_the_numbers_of_the_live_one_jump(api_with_history: Service) -> None:
    seen = set()
    for errors in (8, 0, 90):
        fill(api_with_history, 4, 0, errors=errors)
        found = suggestion(api_with_history)
        seen.add((found.deployment, found.reason))
    assert len(seen) == 1
