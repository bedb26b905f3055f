"""Reads fields from decoded JSON where they may be missing or of an undocumented type.

Nothing here raises: one item in an unexpected shape must not hide a whole list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

LONGEST_TEXT = 5_000  # characters
LONGEST_HOST = 253  # characters
HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+")
LARGEST_EXACT = 2**53  # above it, a floating-point number is not the whole number that was sent
LARGEST_NUMBER = 10**30  # no id, time or count of a provider is larger
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # stands in for a required time that the provider left out

# PostgreSQL cannot store these characters, and a commit message may contain them.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def stated(at: datetime) -> datetime | None:
    """The time; None where EPOCH stands in for one that the provider left out."""
    return None if at == EPOCH else at


def mapping(value: object, *path: str) -> Mapping[str, Any]:
    """The object at `path`, or an empty one."""
    field = value_at(value, *path)
    return field if isinstance(field, dict) else {}


def items(value: object, *path: str) -> list[Mapping[str, Any]]:
    """The objects in the array at `path`, without anything in it that is not an object."""
    field = value_at(value, *path)
    return [item for item in field if isinstance(item, dict)] if isinstance(field, list) else []


def words(value: object, *path: str) -> tuple[str, ...]:
    """The strings in the array at `path`, without anything in it that is not a string."""
    field = value_at(value, *path)
    return tuple(word for word in map(text, field) if word) if isinstance(field, list) else ()


def text(value: object, *path: str) -> str:
    """The string (or whole number) at `path`, or "": at most 5,000 characters, all of which can be stored."""
    field = value_at(value, *path)
    if isinstance(field, float) and field.is_integer() and abs(field) < LARGEST_EXACT:
        field = int(field)
    if isinstance(field, int) and not isinstance(field, bool):
        return str(field) if abs(field) < LARGEST_NUMBER else ""
    return UNSTORABLE.sub("", field[:LONGEST_TEXT]) if isinstance(field, str) else ""


def whole_text(value: object, *path: str) -> str:
    """The string at `path` however long it is, or "": for a text that has to be read before it may be cut."""
    field = value_at(value, *path)
    return UNSTORABLE.sub("", field) if isinstance(field, str) else ""


def host_name(value: object, *path: str) -> str:
    """The host name at `path`, or "" where there is none or it cannot be one (a wildcard, for instance)."""
    name = text(value, *path)
    return name if is_host_name(name) else ""


def is_host_name(name: str) -> bool:
    return len(name) <= LONGEST_HOST and HOST.fullmatch(name) is not None


def boolean(value: object, *path: str) -> bool | None:
    """The boolean at `path`, or None."""
    field = value_at(value, *path)
    return field if isinstance(field, bool) else None


def number(value: object, *path: str) -> float | None:
    """The number at `path`, or None."""
    field = value_at(value, *path)
    if isinstance(field, int | float) and not isinstance(field, bool) and abs(field) < LARGEST_NUMBER:
        return float(field)  # neither infinite nor "not a number", which compares as false
    return None


def timestamp(value: object, *path: str) -> datetime | None:
    """The RFC 3339 time at `path` in UTC, or None. A time without a zone is taken as UTC."""
    try:
        time = datetime.fromisoformat(text(value, *path))
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def timestamp_ms(value: object, *path: str) -> datetime | None:
    """The time at `path`, given in milliseconds since 1970, in UTC, or None."""
    milliseconds = number(value, *path)
    try:
        return None if milliseconds is None else EPOCH + timedelta(milliseconds=milliseconds)
    except (OverflowError, ValueError):
        return None


def http_date(value: str) -> datetime | None:
    """The time of a `Date` or `Retry-After` header in UTC, or None."""
    try:
        time = parsedate_to_datetime(value)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def value_at(value: object, *path: str) -> Any:
    """The value under these keys, one inside the other, or None."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def first_nonempty(*texts: str) -> str:
    """The first text that is not empty, or ""."""
    return next((text for text in texts if text), "")
