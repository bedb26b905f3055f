"""Reads the providers' public status pages into rows. One that does not answer changes nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings

from deployments.clients import public
from deployments.models import StatusFeed
from deployments.providers.base import ProviderError
from deployments.providers.public.status_page import StatusIncident, read_unresolved
from rollback_portal.jobs import clock

EVERY = timedelta(seconds=60)


def read_status_pages() -> None:
    """Read both; what is wrong with one is kept in its row."""
    providers: dict[str, dict[str, Any]] = settings.PROVIDERS
    for name, config in providers.items():
        _read(name, config["status_page"])


def _read(name: str, address: str) -> None:
    try:
        incidents = read_unresolved(address, public(name))
    except ProviderError as error:
        failure: dict[str, Any] = {"failed_at": clock.now(), "error": str(error)}
        StatusFeed.objects.update_or_create(provider=name, defaults=failure)
        return
    rows = sorted(map(_as_json, incidents), key=lambda row: row["since"] or "")
    read: dict[str, Any] = {"incidents": rows, "read_at": clock.now(), "failed_at": None, "error": ""}
    StatusFeed.objects.update_or_create(provider=name, defaults=read)


def _as_json(incident: StatusIncident) -> dict[str, Any]:
    since = incident.since.isoformat() if incident.since else None
    return {
        "id": incident.id,
        "name": incident.name,
        "impact": incident.impact,
        "since": since,
        "url": incident.url,
    }
