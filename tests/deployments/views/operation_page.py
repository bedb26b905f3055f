"""The page of an operation as a browser sees it, and changes in any state to look at."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.utils import timezone

from deployments.models import Change, Deployment, Service
from tests import factories

HTMX = {"HX-Request": "true"}


def started(target: Deployment, status: str, *reached: str, **fields: Any) -> Change:
    """A change of the API that reached these statuses one second apart, a minute ago."""
    status_times = {name: factories.ago(seconds=60 - at).isoformat() for at, name in enumerate(reached)}
    service = Service.objects.select_related("live").get(pk=target.service_id)
    return factories.change(service, target, status=status, status_times=status_times, **fields)


def ended(target: Deployment, status: str, *reached: str, message: str, **fields: Any) -> Change:
    return started(target, status, *reached, status, message=message, ended_at=timezone.now(), **fields)


def look(client: Client, change: Change) -> Any:
    return client.get(change.operation.get_absolute_url())


def poll(client: Client, change: Change, seen: str = "") -> Any:
    return client.get(change.operation.get_absolute_url(), headers={**HTMX, "X-Seen": seen})
