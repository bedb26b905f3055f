"""Finds Chromium for tests in a real browser."""

from __future__ import annotations

import os
import shutil

# The first one draws no window of its own: a sixth less processor time for a journey.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The path of Chromium, or None; PORTAL_CHROMIUM overrides it."""
    return os.environ.get("PORTAL_CHROMIUM") or next(
        (path for name in NAMES if (path := shutil.which(name))), None
    )
