"""Whether the database is another one than the code of a change's target met when it served before."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from deployments.models import Change, Deployment, LivePeriod


def database_changed(change: Change, now: datetime) -> bool | None:
    """Whether a migration was applied or rolled back since the target served before; None if nobody knows.

    The other app knows what was applied to and rolled back from the service's databases.
    """
    target, service = change.to_deployment, change.service
    if target is None:
        return None
    names = [service.slug, service.provider_id]
    moments: Any = import_string(settings.DATABASE_MIGRATIONS)
    if moments(names, _served_until(target, change.acted_at), now):
        return True
    read_at: Any = import_string(settings.DATABASE_MIGRATIONS_READ)
    known_until = read_at(names)
    return False if known_until is not None and known_until >= change.acted_at else None


def _served_until(target: Deployment, acted_at: datetime) -> datetime:
    """When something else took its place before the change; where it never served, when it was made."""
    periods = LivePeriod.objects.filter(service=target.service_id, since__lt=acted_at).order_by("since")
    last = periods.filter(deployment=target).last()
    after = periods.filter(since__gt=last.since).first() if last else None
    return after.since if after else target.created_at
