"""What each step of the wizard shows, worked out from the row: plain values for the templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from dbtools.models import DatabaseRollback
from dbtools.views.closing_context import afterwards
from dbtools.views.figures import figures
from dbtools.views.rehearsal_context import report
from dbtools.wizard import approval, code_side

TEMPLATES = {
    "deciding": "_need", "choosing": "_choice", "writing": "_sql", "ready": "_preflight",
    "rehearsed": "_rehearsed", "awaiting_approval": "_approval", "approved": "_run", "running": "_running",
    "committing": "_running", "resolving": "_running", "done": "_after", "unchanged": "_after",
    "abandoned": "_after", "needs_attention": "_after",
}  # fmt: skip
DOING = {
    "reading": "reading folder and history", "drafting": "working out a draft",
    "checking": "checking the SQL", "preflight": "asking the guards",
    "backing_up": "taking the backup", "rehearsing": "rehearsing",
    "running": "running", "committing": "committing", "resolving": "finding out what became of the commit",
    "verifying": "looking at the result",
}  # fmt: skip
FIELDS = {
    "_need": "reason",
    "_sql": "sql",
    "_preflight": "accepted",
    "_approval": "reason",
    "_after": "words",
}
MARKS = {
    "applied": ("good", "disc"), "failed": ("bad", "square"), "pending": ("busy", "ring"),
    "rolled back": ("", "ring"), "edited since": ("warn", "diamond"), "no SQL": ("warn", "ring"),
    "unknown to the folder": ("warn", "diamond"), "squashed baseline": ("", "square"),
}  # fmt: skip
TONES = {"exact": "good", "old definition": "good", "loses data": "warn", "cannot": "bad"}

Typed = Mapping[str, str]
Part = Callable[[DatabaseRollback, Typed], dict[str, Any]]


def shown(rollback: DatabaseRollback, typed: Typed) -> dict[str, Any]:
    """The parts of the page that need more than a field of the row.

    Args:
        typed: what came with a refused act; it is shown again, whatever step the page has come to.
    """
    template = TEMPLATES.get(rollback.status, "_working")
    common = {
        "step_template": f"dbtools/{template}.html",
        "can_abandon": rollback.status in DatabaseRollback.sources("abandoned"),
        "doing": DOING.get(rollback.status, ""),
        "since": _since(rollback),
        "report": rollback.rehearsal,
        "figures": figures(rollback.progress),
        "not_taken": _not_taken(template, typed),
    }
    part = PARTS.get(rollback.status)
    return common | (part(rollback, typed) if part else {})


def _since(rollback: DatabaseRollback) -> datetime:
    reached = rollback.status_times.get(rollback.status)
    return datetime.fromisoformat(reached) if reached else rollback.requested_at


def _not_taken(template: str, typed: Typed) -> str:
    """What was typed into a form that is not on the page any more."""
    return next(
        (typed[name] for name in FIELDS.values() if typed.get(name) and FIELDS.get(template) != name), ""
    )


def _deciding(rollback: DatabaseRollback, typed: Typed) -> dict[str, Any]:
    services = rollback.database.services
    live = code_side.live_code(services)
    return {"live": live, "moving": code_side.code_under_way(services), "left": _left(live)}


def _left(live: Sequence[Mapping[str, Any]]) -> str:
    """What code was rolled back from, in words: that commit still has the migration in its folder."""
    return next((str(each["left"]["said"]) for each in live if each.get("left")), "")


def _choosing(rollback: DatabaseRollback, typed: Typed) -> dict[str, Any]:
    later, entries = 0, []
    for entry in reversed(rollback.migrations):
        tone, shape = MARKS.get(entry["state"], ("warn", "ring"))
        at = datetime.fromisoformat(entry["at"]) if entry["at"] else None
        entries.append({**entry, "tone": tone, "shape": shape, "when": at, "later": later})
        later += bool(entry["row"])
    left = _left(rollback.justification.get("live", []))
    return {"entries": entries, "any": any(not entry["why_not"] for entry in entries), "left": left}


def _writing(rollback: DatabaseRollback, typed: Typed) -> dict[str, Any]:
    draft = dict(rollback.draft)
    lines = [{**line, "tone": TONES.get(line["mark"], "warn")} for line in draft.get("lines", [])]
    problems = [str(each["line"]) for each in rollback.sql_analysis.get("problems", []) if each["line"]]
    sql = rollback.sql or draft.get("down", "")
    theirs = rollback.sql if "sql" in typed and rollback.sql not in ("", typed["sql"]) else ""
    return {
        "draft": {**draft, "lines": lines} if lines or draft.get("message") else {},
        "prefilled": bool(draft.get("down")) and not rollback.sql,
        "up": draft.get("up", []),
        "sql": typed.get("sql", draft.get("text", "") if "draft" in typed else sql),
        "theirs": theirs,
        "problem_lines": "" if typed else ",".join(problems),
    }


def _ready(rollback: DatabaseRollback, typed: Typed) -> dict[str, Any]:
    stops = [guard["guard"] for guard in rollback.preflight if guard["tone"] == "stop"]
    warns = any(guard["tone"] == "warn" for guard in rollback.preflight)
    back = "backing_up" in rollback.status_times  # it was further already, and came back with a reason
    return {"stops": stops, "warns": warns, "back": back}


def _report(rollback: DatabaseRollback, typed: Typed) -> dict[str, Any]:
    return report(rollback)


def _approved(rollback: DatabaseRollback, typed: Typed) -> dict[str, Any]:
    return {
        **report(rollback),
        "why_not_run": approval.why_not_run(rollback),
        "moving": code_side.code_under_way(rollback.database.services),
        "was_run": "running" in rollback.status_times,
    }


def _running(rollback: DatabaseRollback, typed: Typed) -> dict[str, Any]:
    ran = {each["number"]: each for each in rollback.progress.get("ran", [])}
    statements = [
        {**each, "ran": ran.get(each["number"])} for each in rollback.sql_analysis.get("statements", [])
    ]
    return {"statements": statements, "blockers": rollback.progress.get("blockers", [])}


def _after(rollback: DatabaseRollback, typed: Typed) -> dict[str, Any]:
    return {**report(rollback), **afterwards(rollback)}


PARTS: dict[str, Part] = {
    "deciding": _deciding, "choosing": _choosing, "writing": _writing, "ready": _ready, "rehearsed": _report,
    "awaiting_approval": _report, "approved": _approved, "running": _running, "committing": _running,
    "resolving": _running, "done": _after, "unchanged": _after, "abandoned": _after,
    "needs_attention": _after,
}  # fmt: skip
