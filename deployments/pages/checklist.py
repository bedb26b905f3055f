"""The plan that somebody confirmed, as a checklist: what is done, what runs, what never happened.

The steps are those the operation stored when it was asked for; where they stand follows from the moments
at which its change reached each status. Nothing here asks the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.dateparse import parse_datetime

from deployments.models import Change

ORDER = ("queued", "clearing", "pinning", "sending", "unclear", "accepted", "serving", "restoring")
BEFORE_QUEUED_AGAIN = ("clearing",)  # leads back to the start, and is done then
ALSO_COVERS = {"sending": ("unclear",)}  # a lost answer is read back within the step that asked
PUT_BACK = {
    "status": "restoring",
    "message": "Put automatic deploys back to what they were",
    "usually": "1 s",
}
WORDS = {
    "waiting": "waiting",
    "running": "running",
    "unclear": "answer lost, reading back",
    "done": "done",
    "failed": "failed",
    "canceled": "stopped here",
    "needs_attention": "not known",
    "skipped": "not done",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One step of the checklist. `took` runs on until the step has ended."""

    message: str
    state: str
    started: datetime | None
    took: timedelta | None
    usually: str

    @property
    def word(self) -> str:
        return WORDS[self.state]

    @property
    def clock(self) -> str:
        return clock(self.took)


def checklist(change: Change, now: datetime, *, still_pinned: bool) -> Sequence[Line]:
    """The steps of a change in the order of its plan.

    Args:
        change: with its operation loaded.
        now: the server's time, to which a running step has lasted.
        still_pinned: whether the service's automatic deploys are still held off; only that tells whether
            putting them back has worked.
    """
    steps = list(change.operation.plan.get("steps", []))
    reached = status_times(change)
    if "restoring" in reached and all(step["status"] != "restoring" for step in steps):
        steps.append(PUT_BACK)
    return [_line(step, change, reached, now, still_pinned) for step in steps]


def status_times(change: Change) -> dict[str, datetime]:
    """When each status was reached; what lies before it was queued again came to nothing."""
    read = {status: parse_datetime(at) for status, at in change.status_times.items() if isinstance(at, str)}
    known = {status: at for status, at in read.items() if at is not None}
    began = known.get("queued")
    return {
        status: at
        for status, at in known.items()
        if began is None or at >= began or status in BEFORE_QUEUED_AGAIN
    }


def _line(
    step: dict[str, str], change: Change, reached: dict[str, datetime], now: datetime, still_pinned: bool
) -> Line:
    covered = (step["status"], *ALSO_COVERS.get(step["status"], ()))
    began = min((reached[status] for status in covered if status in reached), default=None)
    ended = _left(covered, change, reached)
    state = _state(covered, change, reached, still_pinned)
    took = max((ended or now) - began, timedelta()) if began else None
    return Line(step["message"], state, began, took, step.get("usually", ""))


def _left(covered: Sequence[str], change: Change, reached: dict[str, datetime]) -> datetime | None:
    """When the change went on from this step; None while it is there."""
    if change.status in covered:
        return None
    last = max(ORDER.index(status) for status in covered)
    later = [at for status, at in reached.items() if status not in ORDER or ORDER.index(status) > last]
    return min([*later, *([change.ended_at] if change.ended_at else [])], default=None)


def _state(covered: Sequence[str], change: Change, reached: dict[str, datetime], still_pinned: bool) -> str:
    if change.status in covered:
        return "unclear" if change.status == "unclear" else "running"
    if not any(status in reached for status in covered):
        return "skipped" if change.ended or _is_past(covered, reached) else "waiting"
    if "restoring" in covered:
        return "failed" if still_pinned else "done"
    if _broke_at(reached) in covered:
        return _how_it_broke(change)
    return "done"


def _is_past(covered: Sequence[str], reached: dict[str, datetime]) -> bool:
    last = max(ORDER.index(status) for status in covered)
    return any(status in ORDER and ORDER.index(status) > last for status in reached)


def _broke_at(reached: dict[str, datetime]) -> str:
    """The furthest status before settings were put back: where it broke, if it broke."""
    went_through = (status for status in ORDER if status in reached and status != "restoring")
    return max(went_through, key=ORDER.index, default="")


def _how_it_broke(change: Change) -> str:
    """The verdict, which is known before the settings are back; a leave that only failed to put them back
    has moved the traffic as asked.
    """
    final_status = change.final_status or change.status
    return "done" if final_status not in {"failed", "canceled", "needs_attention"} else final_status


def clock(length: timedelta | None) -> str:
    """What ticks is told to the second: "0.8 s", "0:38", "1:02:09"."""
    if length is None:
        return ""
    seconds = length.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s"
    hours, rest = divmod(int(seconds), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
