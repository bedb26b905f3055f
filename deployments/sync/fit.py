"""Truncates or drops values that do not fit their column, so that a sync never fails on them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db import models

from deployments.providers.json_fields import EPOCH, UNSTORABLE
from rollback_portal.text import clean_line

LATEST = datetime(2100, 1, 1, tzinfo=UTC)  # a later time is a mistake, and sums with it may overflow

Row = TypeVar("Row", bound=models.Model)


def fits(identifier: str, longest: int = 80) -> bool:
    """Whether an id can be stored whole. A cut id would name something else, so nothing is stored then."""
    return identifier != "" and identifier == clean_line(identifier, longest)


def usable(at: datetime) -> bool:
    return EPOCH <= at < LATEST


def fitted(row: Row) -> Row:
    """The same row with each text cut to its column, without what cannot be stored, and with usable times."""
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if isinstance(value, str) and value:
            setattr(row, field.attname, _fitted(field, value))
        elif isinstance(value, datetime) and not usable(value):
            setattr(row, field.attname, None if field.null else EPOCH)
    return row


def _fitted(field: models.Field[Any, Any], text: str) -> str:
    if isinstance(field, models.CharField):
        return clean_line(text, field.max_length or len(text))
    return UNSTORABLE.sub("", text) if isinstance(field, models.TextField) else text
