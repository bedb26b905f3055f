"""What the page for the time without PostgreSQL remembers of the services: in a file that outlives a process.

All web processes of a machine share it, so that one that has just started can fill the ids in, too.
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
class Known:
    """Cards as HTML, drawn by our own templates, and when they were true."""

    cards: SafeString
    at: datetime


def keep(known: Known) -> None:
    """Put it into the file, whole or not at all. Where that fails, each process remembers for itself."""
    path = Path(settings.LAST_KNOWN_FILE)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=path.parent, prefix=f"{path.name}.", delete=False) as file:
            json.dump({"cards": known.cards, "at": known.at.isoformat()}, file)
        os.replace(file.name, path)
    except OSError as error:
        log.warning("what the page without PostgreSQL needs was not kept in a file: %s", error)


def newest(own: Known | None) -> Known | None:
    """What this process remembers or what stands in the file, whichever was true later."""
    kept = _read(Path(settings.LAST_KNOWN_FILE))
    if own is None or kept is None:
        return own or kept
    return max(own, kept, key=lambda known: known.at)


def _read(path: Path) -> Known | None:
    try:
        told = json.loads(path.read_text())
        # The folder is the portal's own, and the file is readable and writable for it alone.
        return Known(mark_safe(str(told["cards"])), datetime.fromisoformat(told["at"]))  # noqa: S308
    except (OSError, ValueError, KeyError, TypeError):
        return None
