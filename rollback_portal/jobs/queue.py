"""The queue is a table: which rows are due, and which worker gets one."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from rollback_portal.jobs import clock
from rollback_portal.jobs.models import LeasedRow

REPUBLISH_AFTER = timedelta(seconds=2)  # a row that no worker has claimed by then is published again

Row = TypeVar("Row", bound=LeasedRow)


def lease_duration() -> timedelta:
    return timedelta(seconds=settings.LEASE_SECONDS)


def due(model: type[LeasedRow]) -> list[int]:
    """The primary keys of up to 100 rows that are due, the oldest first."""
    rows = model._default_manager.filter(model.due_condition()).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:100])


def take_due(model: type[LeasedRow], at_most: int) -> list[tuple[int, timedelta]]:
    """Mark due rows as published; returns their primary keys, each with how long it has been due.

    Call it inside a transaction. Rows that another dispatcher is taking right now are skipped.
    """
    now = clock.now()
    unpublished = Q(published_at=None) | Q(published_at__lt=now - REPUBLISH_AFTER)
    rows = list(
        model._default_manager.filter(model.due_condition(), unpublished)
        .select_for_update(skip_locked=True)
        .order_by(F("published_at").asc(nulls_first=True))[:at_most]
    )
    model._default_manager.filter(pk__in=[row.pk for row in rows]).update(published_at=now)
    return [(row.pk, now - row.due_since) for row in rows]


def claim(rows: models.QuerySet[Row], pk: int) -> Row | None:
    """Lease a row if it is due; None if it is not, or if another worker was first.

    Args:
        rows: the queryset to load the row from, with the relations that its worker needs.
        pk: primary key of the row.
    """
    due_row = rows.model._default_manager.filter(rows.model.due_condition(), pk=pk)
    until = clock.within_statement() + lease_duration()
    if not due_row.update(lease_owner=uuid4(), lease_until=until):
        return None
    return rows.get(pk=pk)
