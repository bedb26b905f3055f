"""What this app asks the other one. The settings name the functions, so neither app imports the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from dbtools.models.document_field import conform
from dbtools.models.documents import LiveService


def live_code(services: Sequence[str]) -> list[LiveService]:
    """The commit that each of these services serves, since when, and whether it is pinned."""
    answer: Any = import_string(settings.LIVE_CODE)(list(services))
    live: list[LiveService] = conform(list[LiveService], answer)
    return live


def code_under_way(services: Sequence[str]) -> str:
    """The code operation that is under way on one of these services, as a sentence; "" for none."""
    message: str = import_string(settings.CODE_UNDER_WAY)(list(services))
    return message
