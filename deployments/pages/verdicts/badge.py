"""The verdict as a badge. A rollback's colour is the verdict's, not the provider's."""

from __future__ import annotations

from datetime import datetime, timedelta

from deployments.analysis.verdict import Word
from deployments.models import Change, ChangeVerdict
from rollback_portal.web.badges import Badge

BADGES = {
    Word.RECOVERED: Badge("RECOVERED", "good"),
    Word.STILL_HEALTHY: Badge("STILL HEALTHY", "good"),
    Word.NOT_RECOVERED: Badge("NOT RECOVERED", "bad", "square"),
    Word.WORSE: Badge("WORSE THAN BEFORE", "bad", "square"),
    Word.CANNOT_TELL: Badge("CAN'T TELL YET", "", "circle"),
}
NEVER_TOLD = Badge("COULD NOT TELL", "", "circle")  # the hour is over
JUDGED_FOR = timedelta(hours=24)  # after its end, a change without a verdict waits for one


def verdict_of(change: Change) -> ChangeVerdict | None:
    """The row, if there is one; `change.verdict` must be loaded where many changes are asked."""
    return getattr(change, "verdict", None)


def awaits_verdict(change: Change, now: datetime) -> bool:
    """Whether its target has come to serve lately and nobody has judged it; older changes never were."""
    if verdict_of(change) is not None or not change.moved_traffic or change.ended_at is None:
        return False
    return now - change.ended_at < JUDGED_FOR


def word_of(change: Change, now: datetime) -> Word | None:
    """What may be said of a change now; None where there is nothing to judge, or was no judge."""
    row = verdict_of(change)
    if row is not None:
        return row.standing(now)
    return Word.CANNOT_TELL if awaits_verdict(change, now) else None


def verdict_badge(change: Change, now: datetime) -> Badge | None:
    word, row = word_of(change, now), verdict_of(change)
    if word is None:
        return None
    if word == Word.CANNOT_TELL and row is not None and row.closed_at is not None:
        return NEVER_TOLD
    return BADGES[word]
