"""The rehearsal's report as a page shows it: the checks, the differences, and what is lost."""

from __future__ import annotations

from typing import Any

from dbtools.models import DatabaseRollback
from dbtools.models.documents import StoredLock, StoredRehearsal
from dbtools.views.statements import statement_list
from rollback_portal.text import clean_line
from rollback_portal.web.badges import Badge

TONES = {"ok": "good", "warn": "warn", "stop": "bad"}
VERDICTS = {
    "same": Badge("SAME SCHEMA", "good"),
    "same but for column order": Badge("SAME BUT FOR COLUMN ORDER", "good"),
    "different": Badge("OTHER SCHEMA", "bad", "square"),
}
NOT_COMPARED = Badge("SCHEMA NOT COMPARED", "warn", "circle")
PASSED, NOT_PASSED = Badge("PASSED", "good"), Badge("NOT PASSED", "bad", "square")
MOST_LOCKS = 3
LONG_HOLD = 1.0  # seconds that everybody else waits, from which on it is a warning
# Locks that keep others from writing; the last one from reading, too.
# Reference: https://www.postgresql.org/docs/current/explicit-locking.html#TABLE-LOCK-COMPATIBILITY
NO_WRITES = frozenset({"SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE"})
NO_READS = "ACCESS EXCLUSIVE"


def rehearsal_context(rollback: DatabaseRollback) -> dict[str, Any]:
    """The report and the SQL that was rehearsed; empty lists where there was no rehearsal."""
    rehearsal = rollback.rehearsal
    verdict = VERDICTS.get(rehearsal.get("verdict", ""), NOT_COMPARED)
    return {
        "report": rehearsal,
        "rehearsal_badges": [PASSED if rehearsal.get("passed") else NOT_PASSED, verdict] if rehearsal else [],
        "checks": check_lines(rehearsal),
        "differences": [check for check in rehearsal.get("checks", []) if check["lines"]],
        "losses": [message.removeprefix("YOU LOSE ") for message in rehearsal.get("lose", [])],
        "losing_statements": rollback.statements_with_loss,
        "declined": rollback.reached_at("awaiting_approval") is not None,
        "sql_heading": "The SQL that will run",
        "sql_statements": statement_list(rollback),
    }


def check_lines(rehearsal: StoredRehearsal) -> list[dict[str, str]]:
    """One line for each thing that was proven, left open or refuted; locks and time come last."""
    if not rehearsal:
        return []
    lines = [
        {"tone": TONES.get(check["tone"], "warn"), "message": check["message"]}
        for check in rehearsal.get("checks", [])
    ]
    held = held_long(rehearsal.get("locks", []))
    if held:
        lines.append({"tone": "warn", "message": f"{hold_phrase(rehearsal)} Run it when that is acceptable."})
    summary = lock_summary(rehearsal.get("locks", []), rehearsal.get("seconds", 0.0))
    return [*lines, {"tone": "plain", "message": summary}]


def held_long(locks: list[StoredLock]) -> list[StoredLock]:
    """The locks that kept others out for long, the longest first."""
    blocking = [lock for lock in locks if lock["mode"] == NO_READS or lock["mode"] in NO_WRITES]
    return sorted(
        (lock for lock in blocking if lock["seconds"] >= LONG_HOLD), key=lambda lock: -lock["seconds"]
    )


def hold_phrase(rehearsal: StoredRehearsal) -> str:
    """Who waits for the run, and how long, by the rehearsal."""
    locks = rehearsal.get("locks", [])
    held = held_long(locks)
    if not held:
        longest = max((lock["seconds"] for lock in locks), default=0.0)
        return f"In the rehearsal no lock was held longer than {longest:.1f} s." if locks else ""
    names = ", ".join(clean_line(lock["table"], 120) for lock in held[:MOST_LOCKS])
    more = f" and {len(held) - MOST_LOCKS} more" if len(held) > MOST_LOCKS else ""
    what = "read or write" if any(lock["mode"] == NO_READS for lock in held) else "write to"
    return (
        f"In the rehearsal the run held its locks for {held[0]['seconds']:.1f} s: so long nobody can {what} "
        f"{names}{more}, and on the busy database it may take longer."
    )


def lock_summary(locks: list[StoredLock], seconds: float) -> str:
    """The strongest locks of the run and for how long they were held, as sentences."""
    took = f"The run took {seconds:.1f} s."
    if not locks:
        return f"No lock on a table was seen. {took}"
    held = [f"{lock['mode']} on {lock['table']} for {lock['seconds']:.1f} s" for lock in locks[:MOST_LOCKS]]
    more = len(locks) - MOST_LOCKS
    others = f", and {more} more" if more > 0 else ""
    return f"Locks: {', '.join(held)}{others}. {took}"
