"""Reads fields out of decoded JSON that may lack them, or hold something else than documented.

A provider's list must not vanish because one item has a new shape, so nothing here raises.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

LONGEST_TEXT = 5_000
LONGEST_WORDS = 200
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)  # stands for a required time that the provider left out

# PostgreSQL stores neither of them, and a commit message may carry both.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def mapping(value: object, *path: str) -> Mapping[str, Any]:
    """The object at `path`, or an empty one."""
    found = at(value, *path)
    return found if isinstance(found, dict) else {}


def items(value: object, *path: str) -> list[Mapping[str, Any]]:
    """The objects in the array at `path`; anything else in it is left out."""
    found = at(value, *path)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def text(value: object, *path: str) -> str:
    """The text (or whole number) at `path` without what cannot be stored, or an empty one."""
    found = at(value, *path)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return UNSTORABLE.sub("", found[:LONGEST_TEXT]) if isinstance(found, str) else ""


def flag(value: object, *path: str) -> bool | None:
    """The boolean at `path`; None where it is missing or something else."""
    found = at(value, *path)
    return found if isinstance(found, bool) else None


def number(value: object, *path: str) -> float | None:
    found = at(value, *path)
    if isinstance(found, int | float) and not isinstance(found, bool):
        return float(found)
    return None


def moment(value: object, *path: str) -> datetime | None:
    """An RFC 3339 time at `path` in UTC; a time without a zone is taken as UTC."""
    try:
        found = datetime.fromisoformat(text(value, *path))
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def moment_ms(value: object, *path: str) -> datetime | None:
    """A time at `path` in milliseconds since 1970, in UTC."""
    found = number(value, *path)
    try:
        return None if found is None else BEGINNING + timedelta(milliseconds=found)
    except (OverflowError, ValueError):
        return None


def http_date(value: str) -> datetime | None:
    """The time of a `Date` or `Retry-After` header, in UTC."""
    try:
        found = parsedate_to_datetime(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def at(value: object, *path: str) -> Any:
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def first(*found: str) -> str:
    """The first of these that says something."""
    return next((text for text in found if text), "")


def plain(words: str, longest: int = LONGEST_WORDS) -> str:
    """Foreign words made fit for one line: no control or direction characters, cut with an ellipsis."""
    spaced = re.sub(r"\s+", " ", words)
    clean = "".join(
        c for c in spaced if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
    ).strip()
    return clean if len(clean) <= longest else clean[: longest - 1].rstrip() + "…"
