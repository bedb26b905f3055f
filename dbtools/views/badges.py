"""The badges of databases, rollbacks, migrations and restores."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from dbtools.models import Database, DatabaseRollback, Restore
from rollback_portal.web.badges import Badge

READ_LATE = timedelta(minutes=2)  # databases are read every 30 s
MIGRATION_STATES = {
    "applied": Badge("APPLIED", "good"),
    "failed": Badge("FAILED", "bad", "square"),
    "pending": Badge("PENDING", "busy", "circle"),
    "rolled back": Badge("ROLLED BACK", "", "circle"),
    "edited since": Badge("EDITED SINCE", "warn", "diamond"),
    "no SQL": Badge("NO SQL", "warn", "circle"),
    "unknown to the folder": Badge("UNKNOWN TO THE FOLDER", "warn", "diamond"),
    "squashed baseline": Badge("SQUASHED BASELINE", "", "square"),
}
OUTCOMES = {
    "done": Badge("ROLLED BACK", "good"),
    "unchanged": Badge("NOTHING CHANGED", "warn", "square"),
    "abandoned": Badge("ABANDONED", "", "circle"),
    "needs_attention": Badge("NEEDS ATTENTION", "bad", "diamond"),
}
UNDONE_BY_HAND = Badge("UNDONE BY HAND", "warn", "square")
UNDER_WAY = Badge("UNDER WAY", "busy", "turn")


def migration_badge(state: str) -> Badge:
    return MIGRATION_STATES.get(state) or Badge(state.upper(), "warn", "circle")


def outcome_badge(rollback: DatabaseRollback) -> Badge:
    if rollback.settled_as == "undone":
        return UNDONE_BY_HAND
    return OUTCOMES.get(rollback.status, UNDER_WAY)


def working_badge(words: str, *, stalled: bool) -> Badge:
    """What the worker is doing; shown as busy only while a worker is running it."""
    return Badge(words.upper(), "warn", "circle") if stalled else Badge(words.upper(), "busy", "turn")


def restore_badge(restore: Restore) -> Badge:
    if restore.status == "done":
        return Badge("DONE", "good")
    if restore.status == "failed":
        return Badge("FAILED", "bad", "square")
    return Badge(restore.status.upper(), "busy", "turn")


def database_badge(database: Database, rollback: DatabaseRollback | None) -> Badge | None:
    """The most important thing about a database; None where nothing deserves attention."""
    if rollback is not None:
        return _active_badge(rollback)
    if database.error:
        return Badge("CANNOT BE READ", "warn", "circle")
    if database.facts.get("unfinished"):
        return Badge("FAILED MIGRATION", "bad", "square")
    return _reading_badge(database.read_at)


def _active_badge(rollback: DatabaseRollback) -> Badge:
    name, step = f"ROLLBACK {rollback.pk}", f"STEP {rollback.step} OF 9"
    if rollback.status == "needs_attention":
        return Badge(f"{name} NEEDS ATTENTION", "bad", "diamond")
    if rollback.waits_for_worker:
        return Badge(f"{name} UNDER WAY, {step}", "busy", "turn")
    return Badge(f"{name} WAITS FOR SOMEBODY, {step}", "busy", "circle")


def _reading_badge(read_at: datetime | None) -> Badge | None:
    if read_at is None:
        return Badge("NOT READ YET", "warn", "circle")
    return Badge("NOT READ LATELY", "warn", "circle") if timezone.now() - read_at > READ_LATE else None
