"""The rehearsal's report as a page shows it: checks with their tones, the diff, what is lost."""

from __future__ import annotations

from typing import Any

from dbtools.models import DatabaseRollback

TONES = {"ok": "good", "warn": "warn", "stop": "bad"}
VERDICTS = {
    "same": ("good", "disc", "SAME SCHEMA"),
    "same but for column order": ("good", "disc", "SAME BUT FOR COLUMN ORDER"),
    "different": ("bad", "square", "OTHER SCHEMA"),
}
MOST_LOCKS = 3


def report(rollback: DatabaseRollback) -> dict[str, Any]:
    """All that a page shows of a rehearsal; empty lists where there was none."""
    found = rollback.rehearsal
    tone, shape, word = VERDICTS.get(found.get("verdict", ""), ("warn", "ring", "SCHEMA NOT COMPARED"))
    statements = rollback.sql_analysis.get("statements", [])
    return {
        "checks": checks(found),
        "verdict": {"tone": tone, "shape": shape, "word": word} if found else {},
        "differences": [
            {"message": each["message"], "lines": each["lines"]}
            for each in found.get("checks", [])
            if each["lines"]
        ],
        "losses": [str(message).removeprefix("YOU LOSE ") for message in found.get("lose", [])],
        "losing_statements": [each for each in statements if _loses(each)],
        "declined": "awaiting_approval" in rollback.status_times,
    }


def checks(found: dict[str, Any]) -> list[dict[str, str]]:
    """One line for each thing that was proven, left open or refuted, then locks and time."""
    if not found:
        return []
    lines = [
        {"tone": TONES.get(each["tone"], "warn"), "message": each["message"]} for each in found["checks"]
    ]
    return [*lines, {"tone": "plain", "message": _locks(found)}]


def _locks(found: dict[str, Any]) -> str:
    took = f"The run took {found['seconds']:.1f} s."
    if not found["locks"]:
        return f"No lock on a table was seen. {took}"
    held = [
        f"{each['mode']} on {each['table']} for {each['seconds']:.1f} s"
        for each in found["locks"][:MOST_LOCKS]
    ]
    more = len(found["locks"]) - MOST_LOCKS
    others = f", and {more} more" if more > 0 else ""
    return f"Locks: {', '.join(held)}{others}. {took}"


def _loses(statement: dict[str, Any]) -> bool:
    return any(hazard["tone"] == "loses" for hazard in statement["hazards"])
