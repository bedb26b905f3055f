"""A bar for each service whose measured errors are up, whatever its provider calls live."""

from __future__ import annotations

from deployments.pages.bars.unread import WarningBar
from deployments.pages.current_state import CurrentState
from deployments.pages.figures.live_figures import LiveFigures
from deployments.pages.sentence import age_of, sentence
from rollback_portal.text import clean_line


def failing_bars(state: CurrentState) -> list[WarningBar]:
    """None where errors are few, unknown, or of too few requests to say."""
    return [_bar(figures) for figures in state.figures.values() if figures.failing]


def _bar(figures: LiveFigures) -> WarningBar:
    name = clean_line(figures.service.short, 60)
    assert figures.now is not None  # noqa: S101 - what fails was measured
    before = f"; {figures.share_before} before this deployment" if figures.before else ""
    return WarningBar(
        tone="bad",
        label=f"{name} is failing",
        word=f"{name.upper()} FAILING {figures.share_now}",
        message=sentence(f"{figures.failing}{before}. "),
        still_works=sentence(
            f"{figures.now.measured_by.capitalize()}, ",
            age_of(figures.now.last_at, f"numbers-{figures.service.pk}"),
            " ago.",
        ),
    )
