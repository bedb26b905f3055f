"""What this wing asks of the other one, and answers to it, without knowing it: by names in the settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


def live_code(services: Sequence[str]) -> list[dict[str, Any]]:
    """Which commit each of these services serves, since when, and whether it is pinned; plain JSON."""
    found: list[dict[str, Any]] = import_string(settings.LIVE_CODE)(list(services))
    return found


def code_under_way(services: Sequence[str]) -> str:
    """The code operation that is under way on one of these services, in words; "" where there is none."""
    found: str = import_string(settings.CODE_UNDER_WAY)(list(services))
    return found
