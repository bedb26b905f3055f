"""What the worker counts while a page waits for it: how much is done, at what rate, and when it will end."""

from __future__ import annotations

from collections.abc import Iterator

from django.template.defaultfilters import filesizeformat

from dbtools.models.progress import Progress
from rollback_portal.text import duration


def progress_figures(progress: Progress) -> list[tuple[str, str]]:
    """Each number with its name and its unit; what is not known yet is said to be so."""
    return [(name, value) for name, value in _figures(progress) if value]


def _figures(progress: Progress) -> Iterator[tuple[str, str]]:
    steps, total, rate = progress.get("steps", 0), progress.get("total", 0), progress.get("rate", 0.0)
    yield "Now", progress.get("phase", "")[:120]
    yield "Step", f"{progress.get('step', 0)} of {steps}" if steps else ""
    yield "Done", _share(progress.get("done", 0), total) if total else ""
    yield "File", filesizeformat(progress["bytes"]) if "bytes" in progress else ""
    yield "Rate", f"{filesizeformat(rate)}/s" if rate else ""
    yield "Left", _left(progress.get("left", -1.0)) if total else ""
    yield "Whole rehearsal", _whole(progress.get("usual", 0.0)) if steps else ""
    yield "Table", progress.get("table", "")[:80]


def _share(done: int, total: int) -> str:
    return f"{filesizeformat(done)} of {filesizeformat(total)}, {min(100 * done // total, 100)}%"


def _left(seconds: float) -> str:
    return f"about {duration(seconds)}" if seconds >= 0 else "not known yet"


def _whole(seconds: float) -> str:
    """An estimate by the last rehearsal of the database: only its restore has a rate."""
    return f"about {duration(seconds)}, by the last one" if seconds else "not known: it is the first one"
