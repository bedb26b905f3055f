"""What happened to a service, on the time axis of its charts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils.module_loading import import_string

from deployments.metrics.series import Span
from deployments.models import Change, LivePeriod, Service
from deployments.pages.status_text import headline
from rollback_portal.text import clean_line

MOST_MARKS = 60  # of each kind that are read, and of all that are shown: the newest


@dataclass(frozen=True, slots=True)
class ChartMark:
    """`words` are plain text from commits, people and databases: whoever writes HTML escapes them."""

    kind: Literal["deployment", "operation", "incident", "migration"]
    at: datetime
    words: str
    url: str = ""

    @property
    def word(self) -> str:
        return self.kind.capitalize()


def marks_of(service: Service, span: Span) -> tuple[list[ChartMark], bool]:
    """The newest marks of the span, newest first, and whether there are more. Four queries.

    Deployments stand where they went live, operations where they were asked for, an incident where the alert
    said that it began, and migrations where the database was changed.
    """
    found = [*_deployments(service, span), *_operations(service, span), *_migrations(service, span)]
    found.sort(key=lambda mark: mark.at, reverse=True)
    return found[:MOST_MARKS], len(found) > MOST_MARKS


def _deployments(service: Service, span: Span) -> Iterator[ChartMark]:
    periods = LivePeriod.objects.filter(service=service, since__gte=span.since, since__lt=span.until)
    for period in periods.select_related("deployment").order_by("-since")[: MOST_MARKS + 1]:
        deployment = period.deployment
        words = clean_line(f"{deployment.short_sha} “{deployment.subject}” went live", 200)
        address = reverse("deployment", args=[service.slug, deployment.provider_id])
        yield ChartMark("deployment", period.since, words, address)


def _operations(service: Service, span: Span) -> Iterator[ChartMark]:
    asked = Q(operation__requested_at__gte=span.since, operation__requested_at__lt=span.until)
    began = Q(operation__incident_began_at__gte=span.since, operation__incident_began_at__lt=span.until)
    changes = Change.objects.shown().filter(asked | began, service=service).order_by("-id")
    incidents: set[tuple[str, datetime]] = set()
    for change in changes[: MOST_MARKS + 1]:
        operation = change.operation
        address = operation.get_absolute_url()
        if span.since <= operation.requested_at < span.until:
            yield ChartMark("operation", operation.requested_at, headline(change), address)
        at = operation.incident_began_at
        if at is None or not span.since <= at < span.until or (operation.incident, at) in incidents:
            continue
        incidents.add((operation.incident, at))
        name = clean_line(operation.incident or "the incident", 100)
        yield ChartMark("incident", at, f"{name} began, as the alert said", address)


def _migrations(service: Service, span: Span) -> Iterator[ChartMark]:
    """Through the other app, which knows what was applied to and rolled back from the service's databases."""
    ask: Any = import_string(settings.DATABASE_MIGRATIONS)
    for moment in ask([service.slug, service.provider_id], span.since, span.until):
        at = datetime.fromisoformat(moment["at"])
        words = f"{moment['name']} {moment['what']} on {moment['database']}"
        yield ChartMark("migration", at, clean_line(words, 200), moment["url"])
