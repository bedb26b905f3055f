"""What axe-core finds on a page, light and dark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pytest
from playwright.sync_api import Page

axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
)

Scheme = Literal["light", "dark"]
RULES: Mapping[Scheme, dict[str, Any]] = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}
RUN = "options => axe.run(options).then(found => found.violations)"


def findings(page: Page, where: str, rules: Mapping[Scheme, dict[str, Any]] = RULES) -> list[str]:
    """One line for each serious or critical violation; the dark scheme differs only in colours."""
    lines = []
    page.evaluate(axe.Axe().axe_script)
    for scheme, chosen in rules.items():
        page.emulate_media(color_scheme=scheme)
        broken = page.evaluate(RUN, {"resultTypes": ["violations"], **chosen})
        lines += [
            f"{where}, {scheme}: {rule['id']}: {rule['help']}: {rule['nodes'][0]['html'][:200]}"
            for rule in broken
            if rule["impact"] in ("serious", "critical")
        ]
    return lines
