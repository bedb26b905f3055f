"""A line of the error share over two hours, drawn on the server: what its SVG needs, as numbers and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from typing import Literal

from django.conf import settings

from deployments.metrics.series import LinePoint, percent

STEP = timedelta(minutes=2)
WIDTH, HEIGHT = 1000, 100  # of the SVG's own space, which is stretched to the card
MOST_MARKS = 12
WORDS = {
    "deployment": "went live",
    "operation": "operation",
    "incident": "incident began",
    "errors": "errors up",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened, on the time axis."""

    kind: Literal["deployment", "operation", "incident", "errors"]
    at: datetime
    x: str = ""  # in percent of the width

    @property
    def tone(self) -> str:
        return "bad" if self.kind in ("incident", "errors") else ""

    @property
    def words(self) -> str:
        return f"{self.at.astimezone(UTC):%H:%M} {WORDS[self.kind]}"


@dataclass(frozen=True, slots=True)
class Band:
    """A part of the time with a figure of its own, such as "before 7.8%"; in percent of the width."""

    x: str
    width: str
    words: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Sparkline:
    """`lines` are pieces of the line, with a gap where there is no data; `bad` those since errors are up."""

    lines: tuple[str, ...]
    bad: tuple[str, ...]
    marks: tuple[Mark, ...]
    label: str

    @property
    def fingerprint(self) -> str:
        drawn = repr((self.lines, self.bad, [(mark.kind, mark.at) for mark in self.marks]))
        return sha1(drawn.encode(), usedforsecurity=False).hexdigest()

    @property
    def empty(self) -> bool:
        return not self.lines and not self.bad


def draw(line: Sequence[LinePoint], marks: Sequence[Mark], since: datetime, until: datetime) -> Sparkline:
    """The line from `since` to `until`. The errors' start is where they were last below the limit."""
    limit = settings.SERVED_ERROR_SHARE / 100
    top = max([2 * limit, *(one.share for one in line)])
    began = _errors_since(line, limit)
    calm = [one for one in line if began is None or one.at <= began]
    bad = [one for one in line if began is not None and one.at >= began]
    happened = sorted(marks, key=lambda mark: mark.at)[-MOST_MARKS:]
    if began is not None:
        happened.append(Mark("errors", began))
    placed = tuple(Mark(one.kind, one.at, f"{_part(one.at, since, until) * 100:.1f}%") for one in happened)
    lines, bad_lines = (_pieces(part, since, until, top) for part in (calm, bad))
    return Sparkline(lines, bad_lines, placed, _label(line, began, since, until))


def _errors_since(line: Sequence[LinePoint], limit: float) -> datetime | None:
    """The first step of those at the end in which the share is above the limit; None where it is not now."""
    began = None
    for one in reversed(line):
        if one.share <= limit:
            break
        began = one.at
    return began


def _pieces(line: Sequence[LinePoint], since: datetime, until: datetime, top: float) -> tuple[str, ...]:
    pieces: list[list[str]] = []
    last: datetime | None = None
    for one in line:
        if last is None or one.at - last > STEP:
            pieces.append([])
        last = one.at
        x, y = _part(one.at, since, until) * WIDTH, HEIGHT - one.share / top * HEIGHT
        pieces[-1].append(f"{x:.0f},{y:.1f}")
    # A single point is a short line: a point without length is not drawn.
    return tuple(" ".join(piece if len(piece) > 1 else [*piece, _beside(piece[0])]) for piece in pieces)


def _beside(point: str) -> str:
    x, _, y = point.partition(",")
    return f"{int(x) + 4},{y}"


def _part(at: datetime, since: datetime, until: datetime) -> float:
    return min(max((at - since) / (until - since), 0.0), 1.0)


def band(
    words: str, tone: str, part: tuple[datetime, datetime], since: datetime, until: datetime
) -> Band | None:
    """The part of a line from `since` to `until` that lies between two times; None where nothing does."""
    first, last = (_part(at, since, until) * 100 for at in part)
    return Band(f"{first:.1f}%", f"{last - first:.1f}%", words, tone) if last > first else None


def _label(line: Sequence[LinePoint], began: datetime | None, since: datetime, until: datetime) -> str:
    """The same in words, for those who do not see it."""
    lead = f"Share of errors, {since.astimezone(UTC):%H:%M} to {until.astimezone(UTC):%H:%M} UTC"
    if not line:
        return f"{lead}: no data"
    highest = max(one.share for one in line)
    now = f"{percent(line[-1].share)} at the end, {percent(highest)} at most"
    since_words = f", too many since {began.astimezone(UTC):%H:%M}" if began else ""
    return f"{lead}: {now}{since_words}"
