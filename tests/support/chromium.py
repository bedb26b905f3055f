"""Where this machine's Chromium is, for the journeys."""

from __future__ import annotations

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The path of Chromium, or None where there is none; PORTAL_CHROMIUM names another one."""
    named = os.environ.get("PORTAL_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)
