"""The confirmed plan as a checklist: what is done, what runs, what never happened.

The steps are stored with the operation; the state of each follows from the times at which its change reached
each status. Nothing is read from the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.dateparse import parse_datetime

from deployments.models import Change
from deployments.pages.sentence import Part, Sentence, sentence
from rollback_portal.text import elapsed

ORDER = ("queued", "clearing", "pinning", "sending", "unclear", "accepted", "serving", "restoring")
BEFORE_QUEUED_AGAIN = ("clearing",)  # the change is queued again when this step is done
ALSO_COVERS = {"sending": ("unclear",)}  # a lost answer is looked up within the step that sent the order
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
class ChecklistStep:
    """One step. `took` grows until the step has ended; `usually` is how long it takes, as text.

    `status` is the status that the step stands for, by which the page names it.
    """

    message: str
    state: str
    started: datetime | None
    took: timedelta | None
    usually: str
    status: str = ""

    @property
    def word(self) -> str:
        return WORDS[self.state]

    @property
    def timing(self) -> Sentence:
        """ "0:38, usually 70 s" once it has started, before that only how long it usually takes."""
        if self.took is not None:
            usually = Part("faint", f", usually {self.usually}") if self.usually else ""
            return sentence(elapsed(self.took), usually)
        return sentence(f"usually {self.usually}") if self.state == "waiting" and self.usually else ()


def checklist(change: Change, now: datetime, *, still_pinned: bool) -> Sequence[ChecklistStep]:
    """The steps of a change in the order of its plan.

    Args:
        change: with its operation loaded.
        now: the server's time, to which a running step has lasted.
        still_pinned: whether the service still has a pin: only that tells whether automatic deploys have been
            restored.
    """
    steps = list(change.operation.plan.get("steps", []))
    reached = status_times(change)
    if "restoring" in reached and all(step["status"] != "restoring" for step in steps):
        steps.append(PUT_BACK)
    return [_checklist_step(step, change, reached, now, still_pinned) for step in steps]


def status_times(change: Change) -> dict[str, datetime]:
    """When each status was reached. What happened before the change was queued again does not count."""
    times = {status: parse_datetime(at) for status, at in change.status_times.items() if isinstance(at, str)}
    known = {status: at for status, at in times.items() if at is not None}
    began = known.get("queued")
    return {
        status: at
        for status, at in known.items()
        if began is None or at >= began or status in BEFORE_QUEUED_AGAIN
    }


def _checklist_step(
    step: dict[str, str], change: Change, reached: dict[str, datetime], now: datetime, still_pinned: bool
) -> ChecklistStep:
    covered = (step["status"], *ALSO_COVERS.get(step["status"], ()))
    began = min((reached[status] for status in covered if status in reached), default=None)
    ended = _left_at(covered, change, reached)
    state = _state(covered, change, reached, still_pinned)
    took = max((ended or now) - began, timedelta()) if began else None
    return ChecklistStep(step["message"], state, began, took, step.get("usually", ""), step["status"])


def _left_at(covered: Sequence[str], change: Change, reached: dict[str, datetime]) -> datetime | None:
    """When the change left this step; None while it is there."""
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
    if _last_status(reached) in covered:
        return _ending(change)
    return "done"


def _is_past(covered: Sequence[str], reached: dict[str, datetime]) -> bool:
    last = max(ORDER.index(status) for status in covered)
    return any(status in ORDER and ORDER.index(status) > last for status in reached)


def _last_status(reached: dict[str, datetime]) -> str:
    """The last status before the settings were restored: where it failed, if it failed."""
    went_through = (status for status in ORDER if status in reached and status != "restoring")
    return max(went_through, key=ORDER.index, default="")


def _ending(change: Change) -> str:
    """How the step ended; a change that only failed to restore the settings has moved the traffic."""
    final_status = change.final_status or change.status
    return "done" if final_status not in {"failed", "canceled", "needs_attention"} else final_status
