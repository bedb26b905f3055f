"""What the page without PostgreSQL shows about the services, in a file that all web processes share.

So a process that has just started knows it as well.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LastKnown:
    """Cards as HTML from our own templates, and when they were true."""

    cards: SafeString
    at: datetime


def save(last_known: LastKnown) -> None:
    """Replace the file atomically. If that fails, each process only has its own copy."""
    path = Path(settings.LAST_KNOWN_FILE)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=path.parent, prefix=f"{path.name}.", delete=False) as file:
            json.dump({"cards": last_known.cards, "at": last_known.at.isoformat()}, file)
        os.replace(file.name, path)
    except OSError as error:
        log.warning("what the page without PostgreSQL shows was not saved: %s", error)


def newest(own: LastKnown | None) -> LastKnown | None:
    """This process's own copy or the file, whichever is newer."""
    saved = _read(Path(settings.LAST_KNOWN_FILE))
    if own is None or saved is None:
        return own or saved
    return max(own, saved, key=lambda last_known: last_known.at)


def _read(path: Path) -> LastKnown | None:
    try:
        saved = json.loads(path.read_text())
        # Safe: only the portal's own user can write this file.
        return LastKnown(mark_safe(str(saved["cards"])), datetime.fromisoformat(saved["at"]))  # noqa: S308
    except (OSError, ValueError, KeyError, TypeError):
        return None
