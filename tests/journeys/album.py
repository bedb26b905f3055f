"""Where the screenshots go, and in which sizes and colour schemes they are taken."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from rollback_portal.env import ROOT

LONGEST = 1_700  # px of a page; the rest of a page looks the same
SHAPES = {"light": (1280, 800, "light"), "dark": (1280, 800, "dark"), "phone": (390, 844, "light")}
DOCS = {
    "dashboard-light": "screenshot.png",
    "dashboard-pinned-dark": "screenshots/pinned.png",
    "confirm-light": "screenshots/confirm.png",
    "progress-running-light": "screenshots/progress.png",
    "dashboard-pinned-phone": "screenshots/phone.png",
    "audit-light": "screenshots/audit.png",
    "wizard-need-light": "screenshots/wizard-need.png",
    "wizard-choice-light": "screenshots/wizard-choice.png",
    "wizard-sql-light": "screenshots/wizard-sql.png",
    "wizard-preflight-light": "screenshots/wizard-preflight.png",
    "wizard-rehearsal-light": "screenshots/wizard-rehearsal.png",
    "wizard-approval-light": "screenshots/wizard-approval.png",
    "wizard-run-light": "screenshots/wizard-run.png",
    "wizard-afterwards-light": "screenshots/wizard-afterwards.png",
}


class Album:
    """All screenshots in one folder, or only those that the documentation shows."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    @property
    def whole(self) -> bool:
        """Whether every page is wanted."""
        return self.folder is not None

    def take(self, page: Page, name: str) -> None:
        for shape, (width, height, scheme) in SHAPES.items():
            path = self.path(f"{name}-{shape}")
            if path is None:
                continue
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            self.shoot(page, path, width, height)
        page.set_viewport_size({"width": 1280, "height": 800})

    def path(self, name: str) -> Path | None:
        if self.folder is not None:
            return self.folder / f"{name}.png"
        return ROOT / "docs" / DOCS[name] if name in DOCS else None

    def shoot(self, page: Page, path: Path, width: int, height: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.folder is None or page.get_by_role("alertdialog").count():
            page.screenshot(path=path)
            return
        long = min(int(page.evaluate("document.documentElement.scrollHeight")), LONGEST)
        clip = {"x": 0.0, "y": 0.0, "width": float(width), "height": float(max(long, height))}
        page.screenshot(path=path, full_page=True, clip=clip)  # type: ignore[arg-type]
