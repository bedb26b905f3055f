"""The log lines of a service or of an operation as a page shows them: errors first, each tied to the axis."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from urllib.parse import urlencode

from django.urls import reverse

from deployments.logs.wishes import LogFilters
from deployments.models import Change, LogEntry, LogView, Service
from deployments.models.log_view import MOST_LINES
from deployments.pages.checklist import checklist
from deployments.providers.base import ProviderName
from deployments.providers.json_fields import EPOCH
from rollback_portal.templatetags.text import https_only
from rollback_portal.text import clean_line, duration
from rollback_portal.web.unchanged import fingerprint

MOST_ERRORS = 20  # that stand above the other lines
MOST_DEPLOYMENTS = 30  # of the axis, as many as its first page has rows
USUAL_WAIT = timedelta(seconds=30)  # for the first reading, with a worker at work
NO_STATIC_LOGS = "Render writes no log for a static site."


@dataclass(frozen=True, slots=True)
class AxisPoint:
    """A point of the page's time axis: from when on it is the latest, its address, and what it is."""

    at: datetime
    address: str
    label: str


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One line, with the latest point of the axis at its time; None where it is older than all."""

    entry: LogEntry
    point: AxisPoint | None

    @property
    def short_source(self) -> str:
        """Of Render's instances all of one service begin alike, so only the end of the name."""
        source = self.entry.source
        return source.rpartition("-")[2] if source.startswith(("srv-", "crn-")) else source


@dataclass(frozen=True, slots=True)
class LogPanel:
    """What the panel shows.

    Attributes:
        tone: of the note: "bad" where the lines could not be read, "warn" where nobody reads them.
        note: what is wrong or still to come; "" where the lines are as they should be.
        limits: what is not among the lines, and where it is.
        newest: primary key of the line that was stored last; the page asks for those after it.
        version: differs whenever the note or the limits do.
    """

    view: LogView
    errors: Sequence[ShownLine]
    lines: Sequence[ShownLine]
    error_count: int
    line_count: int
    tone: str
    note: str
    limits: str
    newest: int
    version: str
    poll_url: str
    provider_url: str


def why_no_logs(service: Service) -> str:
    """Why the provider has none; "" where it has."""
    is_static = service.provider == ProviderName.RENDER and service.kind == Service.Kind.WEB
    return NO_STATIC_LOGS if is_static else ""


def logs_url(service: Service, change: Change | None) -> str:
    if change is None:
        return reverse("service_logs", args=[service.slug])
    return reverse("operation_logs", args=[change.operation_id])


def build_panel(view: LogView, axis: Sequence[AxisPoint], now: datetime, *, after: int = 0) -> LogPanel:
    """The panel, or for a page that polls only the lines that were stored `after` the last one it knows."""
    entries = list(view.entries.order_by("-at", "-id")[:MOST_LINES])
    shown = [ShownLine(entry, _point_at(axis, entry.at)) for entry in entries]
    new = [line for line in shown if line.entry.pk > after]
    errors = [line for line in new if line.entry.is_error]
    error_count = sum(entry.is_error for entry in entries)
    tone, note = _note(view, now, bool(entries))
    limits = _limits(view)
    newest = max((entry.pk for entry in entries), default=0)
    return LogPanel(
        view=view,
        errors=errors[:MOST_ERRORS],
        lines=new,
        error_count=error_count,
        line_count=len(entries),
        tone=tone,
        note=note,
        limits=limits,
        newest=newest,
        version=fingerprint(view.pk, newest, note, limits, view.read_at is None),
        poll_url=f"{logs_url(view.service, view.change)}?{_query(view, newest)}",
        provider_url=_provider_url(view),
    )


def axis_of_service(service: Service) -> list[AxisPoint]:
    """The deployments of the timeline by the time at which they were made, oldest first."""
    made = service.deployments.exclude(created_at=EPOCH).filter(production=True).order_by("-created_at")
    page = reverse("service", args=[service.slug])
    points = [
        AxisPoint(
            deployment.created_at,
            f"{page}#subject-{deployment.pk}",
            f"after deployment {deployment.short_sha} was made",
        )
        for deployment in made[:MOST_DEPLOYMENTS]
    ]
    return points[::-1]


def axis_of_change(change: Change, now: datetime) -> list[AxisPoint]:
    """The steps of an operation by the time at which they began, oldest first."""
    page = change.operation.get_absolute_url()
    steps = [step for step in checklist(change, now, still_pinned=False) if step.started is not None]
    return sorted(
        (
            AxisPoint(
                step.started, f"{page}#step-{step.status}", f"during step “{clean_line(step.message, 80)}”"
            )
            for step in steps
            if step.started is not None
        ),
        key=attrgetter("at"),
    )


# --- Inside ---


def _point_at(axis: Sequence[AxisPoint], at: datetime) -> AxisPoint | None:
    index = bisect_right(axis, at, key=attrgetter("at"))
    return axis[index - 1] if index else None


def _note(view: LogView, now: datetime, any_lines: bool) -> tuple[str, str]:
    """The tone and the sentence about the reading."""
    name = view.service.get_provider_display()
    waits = view.waits_since(now)
    if view.error:
        rest = " The lines below are from before." if any_lines else ""
        return "bad", f"The log could not be read: {view.error}{rest}"
    if waits is not None and waits > USUAL_WAIT:
        return (
            "warn",
            f"No worker has read it for {duration(waits)}. Without workers for reading, there are no lines.",
        )
    if waits is not None:
        return "busy", f"The portal asks {name} for the lines. This takes a few seconds."
    if not any_lines:
        chosen = view.kind or view.level or view.text
        return "", f"{name} gave no line of this time{' that fits the filters' if chosen else ''}."
    return "", ""


def _limits(view: LogView) -> str:
    """What is not among the lines, in words."""
    name = view.service.get_provider_display()
    parts: Iterable[str] = (
        f"These are the newest {MOST_LINES} of this time, with older errors; the rest is at {name}."
        * view.more,
        _instances(view),
        "Vercel gives runtime lines while the portal listens, 5 s in every 10 s: some are only there."
        * (view.service.provider == ProviderName.VERCEL),
    )
    return " ".join(part for part in parts if part)


def _instances(view: LogView) -> str:
    if view.change is None or view.narrowed is None:
        return ""
    if view.narrowed:
        return "Only the instances that began after the order, and builds, are shown."
    return "No new instance has written yet, so the lines of the instances from before are among these."


def _query(view: LogView, newest: int) -> str:
    chosen = {name: getattr(view, name) for name in LogFilters.__slots__ if getattr(view, name)}
    return urlencode({**chosen, "view": view.pk, "after": newest})


def _provider_url(view: LogView) -> str:
    dashboard = https_only(view.service.dashboard_url)
    return f"{dashboard.rstrip('/')}/logs" if dashboard else ""
