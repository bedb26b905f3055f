"""The log panel on the pages of a service and of an operation: who sees it, its filters, its polls."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from deployments.logs.wishes import LogFilters, look
from deployments.models import Change, Deployment, LogEntry, LogView, Service
from rollback_portal.jobs import clock
from tests import factories
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
LOGS = "/services/shop-api/logs/"


@pytest.fixture
def view(target: Deployment) -> LogView:
    """A view that has been read, with two lines."""
    view = look(target.service, None, LogFilters())
    view.read_at = clock.now()
    view.save()
    add(view, "it works")
    add(view, "it broke <script>alert(1)</script>", level="error")
    return view


def add(view: LogView, message: str, level: str = "info") -> LogEntry:
    at = factories.ago(seconds=5)
    return LogEntry.objects.create(
        view=view, line_id=message, at=at, kind="app", level=level, message=message
    )


def poll(client: Client, view: LogView, after: int, seen: str = "") -> Any:
    return client.get(LOGS, {"view": view.pk, "after": after}, headers={**HTMX, "X-Seen": seen})


def test_the_service_page_shows_the_lines_and_asks_for_new_ones(responder: Client, view: LogView) -> None:
    page = responder.get("/services/shop-api/")
    html = page.content.decode()
    assert "1 error in 2 lines" in text(page)
    assert html.index("it broke") < html.index("it works")
    assert f'hx-get="{LOGS}?view={view.pk}&amp;after=' in html
    assert "Open the log at Render" in text(page)


def test_hostile_text_is_only_text(responder: Client, view: LogView) -> None:
    html = responder.get("/services/shop-api/").content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_looking_is_the_wish_and_polling_renews_it(responder: Client, target: Deployment) -> None:
    responder.get("/services/shop-api/")
    view = LogView.objects.get()
    assert view.change is None
    LogView.objects.update(wanted_at=factories.ago(seconds=20))
    poll(responder, view, 0)
    assert LogView.objects.get().wanted_at > factories.ago(seconds=3)


def test_the_operation_page_asks_for_the_lines_of_its_own_time(responder: Client, target: Deployment) -> None:
    change: Change = factories.change(
        target.service, target, status="failed", ended_at=factories.ago(), message="It failed."
    )
    where = change.operation.get_absolute_url()
    page = responder.get(where)
    assert "Not read yet." in text(page)
    assert f'hx-get="{where}logs/?view=' in page.content.decode()
    assert LogView.objects.get().change == change
    assert responder.get(f"{where}logs/").status_code == 200
    assert (
        responder.get(
            where.replace(where.split("/")[2], "0" * 8 + "-0000-4000-8000-" + "0" * 12) + "logs/"
        ).status_code
        == 404
    )


def test_a_viewer_sees_why_there_are_no_lines_and_nobody_reads_the_provider_for_them(
    viewer: Client, view: LogView
) -> None:
    LogView.objects.update(wanted_at=factories.ago(minutes=5))
    page = viewer.get("/services/shop-api/")
    assert "it works" not in text(page)
    assert "Log lines are shown to a responder or database admin" in text(page)
    assert viewer.get(LOGS).status_code == 403
    assert LogView.objects.get().wanted_at < factories.ago(minutes=4)


def test_a_poll_without_news_gets_only_the_time_from_which_the_age_is_counted(
    responder: Client, view: LogView
) -> None:
    panel = responder.get(LOGS).context["logs"]
    answer = poll(responder, view, panel.newest, panel.version)
    assert (answer.status_code, answer.content) == (204, b"")
    times = json.loads(answer.headers["HX-Trigger"])["fresh"]["times"]
    assert times[f"log-{view.pk}"] == panel.view.read_at.isoformat()


def test_a_poll_gets_new_lines_to_put_on_top_and_leaves_the_others_where_they_are(
    responder: Client, view: LogView
) -> None:
    panel = responder.get(LOGS).context["logs"]
    add(view, "a new line")
    answer = poll(responder, view, panel.newest, panel.version)
    html = answer.content.decode()
    assert 'hx-swap-oob="afterbegin:#log-lines"' in html
    assert "a new line" in html
    assert "it works" not in html
    assert "1 new log line" in text(answer)
    assert f"after={panel.newest + 1}" in html


def test_an_error_of_the_provider_reaches_a_page_that_polls(responder: Client, view: LogView) -> None:
    panel = responder.get(LOGS).context["logs"]
    LogView.objects.update(error="Render asks us to slow down (429); nothing was done, again in 30 s.")
    answer = poll(responder, view, panel.newest, panel.version)
    assert "The log could not be read: Render asks us to slow down (429)" in text(answer)


def test_a_page_whose_lines_were_forgotten_meanwhile_gets_the_whole_panel(
    responder: Client, view: LogView
) -> None:
    old = view.pk
    view.delete()
    new = look(Service.objects.get(), None, LogFilters())
    add(new, "the same line again")
    answer = responder.get(LOGS, {"view": old, "after": 10**6}, headers=HTMX)
    assert answer.headers["HX-Retarget"] == "#logs"
    assert "the same line again" in text(answer)
    assert b"<html" not in answer.content


@pytest.mark.parametrize("query", ["view=x&after=-1", "after=" + "9" * 400, "view=&after=", "after=²"])
def test_a_damaged_poll_is_answered(responder: Client, view: LogView, query: str) -> None:
    assert responder.get(f"{LOGS}?{query}", headers=HTMX).status_code == 200


def test_the_filters_are_a_plain_form_and_each_choice_a_view(responder: Client, view: LogView) -> None:
    page = responder.get(LOGS, {"level": "error", "kind": "app", "text": "broke"})
    assert b"<html" in page.content
    assert LogView.objects.filter(level="error", kind="app", text="broke").exists()
    assert f"{LOGS}?kind=app&amp;level=error&amp;text=broke&amp;view=" in page.content.decode()


def test_an_invalid_filter_is_left_out_and_said(responder: Client, view: LogView) -> None:
    assert "The filter is left out." in text(responder.get(LOGS, {"level": "loud"}))


def test_a_secret_is_no_text_to_search_for_and_is_not_stored(responder: Client, view: LogView) -> None:
    secret = "ghp_" + "a1B2" * 9
    assert "This looks like a secret" in text(responder.get(LOGS, {"text": secret}))
    assert not LogView.objects.exclude(text="").exists()


def test_where_the_provider_has_no_log_the_filters_are_disabled_with_their_reason(responder: Client) -> None:
    factories.live(factories.service("web", provider="render"))
    page = responder.get("/services/shop-web/")
    assert "Render writes no log for a static site." in text(page)
    assert 'aria-describedby="logs-why-not"' in page.content.decode()
    assert not LogView.objects.exists()


def test_the_panel_asks_as_many_queries_for_500_lines_as_for_two(
    responder: Client, view: LogView, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    responder.get(LOGS)
    with django_assert_max_num_queries(12) as few:
        responder.get(LOGS)
    for number in range(498):
        add(view, f"line {number}")
    with django_assert_num_queries(len(few)):
        responder.get(LOGS)
