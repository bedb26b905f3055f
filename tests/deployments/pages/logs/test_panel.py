"""What the panel says: errors first, where each line stands on the axis, and why there may be none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from deployments.logs.wishes import LogFilters, look
from deployments.models import LogEntry, LogView, Service
from deployments.pages.logs import axis_of_change, axis_of_service, build_panel, why_no_logs
from rollback_portal.jobs import clock
from tests import factories

pytestmark = pytest.mark.django_db


def entry(view: LogView, message: str, *, level: str = "info", **ago: float) -> LogEntry:
    at = factories.ago(**ago) if ago else factories.ago(seconds=1)
    return LogEntry.objects.create(
        view=view, line_id=message, at=at, kind="app", level=level, message=message
    )


@pytest.fixture
def view() -> LogView:
    return look(factories.service("api"), None, LogFilters())


def panel(view: LogView, **changed: Any) -> Any:
    for name, value in changed.items():
        setattr(view, name, value)
    return build_panel(view, axis_of_service(view.service), clock.now())


def test_errors_stand_first_and_among_the_others_the_newest_first(view: LogView) -> None:
    entry(view, "old error", level="error", minutes=30)
    entry(view, "new", minutes=1)
    entry(view, "older", minutes=2)
    shown = panel(view, read_at=clock.now())
    assert [line.entry.message for line in shown.errors] == ["old error"]
    assert [line.entry.message for line in shown.lines] == ["new", "older", "old error"]
    assert (shown.error_count, shown.line_count) == (1, 3)


def test_a_page_that_polls_gets_only_what_was_stored_since(view: LogView) -> None:
    seen = entry(view, "seen")
    entry(view, "late, but new", minutes=40)
    shown = build_panel(view, (), clock.now(), after=seen.pk)
    assert [line.entry.message for line in shown.lines] == ["late, but new"]
    assert shown.line_count == 2


def test_a_line_leads_to_the_deployment_that_was_the_newest_at_its_time(view: LogView) -> None:
    older = factories.deployment(view.service, created_at=factories.ago(hours=2))
    newer = factories.failed(view.service, created_at=factories.ago(minutes=10))
    entry(view, "after both", minutes=1)
    entry(view, "between", minutes=30)
    entry(view, "before all", hours=3)
    points = [line.point for line in panel(view).lines]
    assert [point and point.address for point in points] == [
        f"/services/shop-api/#subject-{newer.pk}",
        f"/services/shop-api/#subject-{older.pk}",
        None,
    ]
    assert points[0].label == f"after deployment {newer.short_sha} was made"


def test_on_an_operation_a_line_leads_to_the_step_that_ran_then() -> None:
    service = factories.service("api")
    times = {
        "pinning": factories.ago(seconds=50).isoformat(),
        "accepted": factories.ago(seconds=30).isoformat(),
    }
    change = factories.change(service, factories.deployment(service), status="accepted", status_times=times)
    axis = axis_of_change(change, clock.now())
    page = change.operation.get_absolute_url()
    assert [point.address for point in axis] == [f"{page}#step-pinning", f"{page}#step-accepted"]
    view = look(service, change, LogFilters())
    entry(view, "released", seconds=10)
    (line,) = build_panel(view, axis, clock.now()).lines
    assert line.point is not None
    assert line.point.label == "during step “Wait until Render has released it”"


SECOND = timedelta(seconds=1)
NOTES = [
    ({}, "busy", "The portal asks Render for the lines."),
    ({"wanted_since": 40 * SECOND}, "warn", "No worker has read it for 40 s."),
    (
        {"error": "Render asks us to slow down (429)."},
        "bad",
        "The log could not be read: Render asks us to slow",
    ),
    ({"read_at": SECOND}, "", "Render gave no line of this time."),
    ({"read_at": SECOND, "level": "error"}, "", "Render gave no line of this time that fits the filters."),
]


@pytest.mark.parametrize(("fields", "tone", "words"), NOTES)
def test_an_empty_panel_says_why(view: LogView, fields: dict[str, Any], tone: str, words: str) -> None:
    now = clock.now()
    shown = panel(
        view, **{name: now - it if isinstance(it, timedelta) else it for name, it in fields.items()}
    )
    assert shown.tone == tone
    assert shown.note.startswith(words)


def test_lines_from_before_an_error_stay_and_are_said_to_be_from_before(view: LogView) -> None:
    entry(view, "a line")
    shown = panel(view, error="Render answered 500.", read_at=clock.now())
    assert shown.note.endswith("The lines below are from before.")
    assert shown.lines


def test_what_is_not_among_the_lines_is_said_with_the_address_of_the_rest(view: LogView) -> None:
    shown = panel(view, more=True)
    assert "the newest 500 of this time" in shown.limits
    assert shown.provider_url == "https://dashboard.example.com/shop-api/logs"
    view.service.dashboard_url = "javascript:alert(1)"
    assert panel(view).provider_url == ""


def test_it_is_said_whether_only_the_new_instances_are_shown() -> None:
    service = factories.service("api")
    change = factories.change(service, factories.deployment(service), status="failed")
    view = look(service, change, LogFilters())
    assert "Only the instances that began after the order" in panel(view, narrowed=True).limits
    assert "No new instance has written yet" in panel(view, narrowed=False).limits


def test_vercels_stream_has_gaps_and_that_is_said() -> None:
    assert "5 s in every 10 s" in panel(look(factories.service("web"), None, LogFilters())).limits


def test_a_static_site_has_no_log() -> None:
    static: Service = factories.service("web", provider="render")
    assert why_no_logs(static)
    assert not why_no_logs(factories.service("web"))
    assert not why_no_logs(factories.service("api"))


def test_an_instance_is_named_by_the_end_of_its_name(view: LogView) -> None:
    entry(view, "one")
    LogEntry.objects.update(source="srv-00000000000000000001-ab1de")
    assert [line.short_source for line in panel(view).lines] == ["ab1de"]
    LogEntry.objects.update(source="serverless")
    assert [line.short_source for line in panel(view).lines] == ["serverless"]
