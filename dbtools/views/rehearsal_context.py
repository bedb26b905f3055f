"""The rehearsal's report as a page shows it: the checks, the differences, and what is lost."""

from __future__ import annotations

from typing import Any

from dbtools.models import DatabaseRollback
from dbtools.models.documents import StoredLock, StoredRehearsal
from dbtools.views.statements import statement_list
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
    return [
        *lines,
        {
            "tone": "plain",
            "message": lock_summary(rehearsal.get("locks", []), rehearsal.get("seconds", 0.0)),
        },
    ]


def lock_summary(locks: list[StoredLock], seconds: float) -> str:
    """The strongest locks of the run and for how long they were held, as sentences."""
    took = f"The run took {seconds:.1f} s."
    if not locks:
        return f"No lock on a table was seen. {took}"
    held = [f"{lock['mode']} on {lock['table']} for {lock['seconds']:.1f} s" for lock in locks[:MOST_LOCKS]]
    more = len(locks) - MOST_LOCKS
    others = f", and {more} more" if more > 0 else ""
    return f"Locks: {', '.join(held)}{others}. {took}"
