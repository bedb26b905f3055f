"""What the template of each step needs, computed from the rollback."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from dbtools.models import DatabaseRollback, RecordedState
from dbtools.models.documents import LiveService
from dbtools.views.badges import migration_badge, working_badge
from dbtools.views.buttons import (
    Viewer,
    abandon_button,
    abandon_question,
    approve_button,
    break_glass_button,
    cancel_button,
    follow_up_button,
    request_approval_button,
    run_button,
)
from dbtools.views.context.closing_context import closing_context
from dbtools.views.context.rehearsal_context import TONES, hold_phrase, rehearsal_context
from dbtools.views.polling import stalled_since
from dbtools.views.progress import progress_figures
from dbtools.views.statements import blocker_list, count_phrase, run_list, statement_list
from dbtools.wizard import approval, code_side
from dbtools.wizard.actions import STEPS_AGAIN
from rollback_portal.text import clean_line

WORKING = "_working"
# Numbered like the steps. Step 5 has no template: nobody has to do anything during the backup.
TEMPLATES = {
    "deciding": "_1_need", "choosing": "_2_migration", "writing": "_3_sql", "ready": "_4_preflight",
    "rehearsed": "_6_rehearsal", "awaiting_approval": "_7_approval", "approved": "_8_run",
    "running": "_8_running", "committing": "_8_running", "resolving": "_8_running", "done": "_9_afterwards",
    "unchanged": "_9_afterwards", "abandoned": "_9_afterwards", "needs_attention": "_9_afterwards",
}  # fmt: skip
DOING = {
    "reading": "reading folder and history", "drafting": "working out a draft",
    "checking": "checking the SQL", "preflight": "running the preflight checks",
    "backing_up": "taking the backup", "rehearsing": "rehearsing",
    "running": "running", "committing": "committing", "resolving": "finding out what became of the commit",
    "verifying": "looking at the result",
}  # fmt: skip
# The field of each template's form that a person types into.
TYPED_FIELDS = {
    "_1_need": "reason",
    "_3_sql": "sql",
    "_4_preflight": "accepted",
    "_7_approval": "reason",
    "_9_afterwards": "words",
}
# Every other mark of a draft's line says that something is lost, left or to be decided.
DRAFT_TONES = {"exact": "good", "old definition": "good", "cannot": "bad"}

Typed = Mapping[str, str]


def step_context(rollback: DatabaseRollback, viewer: Viewer, typed: Typed) -> dict[str, Any]:
    """Everything that the page of this step needs beside the row.

    Args:
        typed: what came with a refused action; it is shown again, whatever step the page is at by now.
    """
    template = TEMPLATES.get(rollback.status, WORKING)
    stalled = stalled_since(rollback)
    common = {
        "step_template": f"dbtools/{template}.html",
        "admin_button": viewer.button(),
        "abandon_button": (
            abandon_button(viewer, rollback)
            if rollback.status in DatabaseRollback.sources("abandoned")
            else None
        ),
        "abandon_question": abandon_question(viewer, rollback),
        "can_try_again": rollback.failed_in in STEPS_AGAIN,
        "can_change_sql": rollback.status == "ready",
        "follow_up_button": follow_up_button(viewer),
        "working_badge": working_badge(DOING.get(rollback.status, ""), stalled=stalled is not None),
        "stalled": stalled,
        "since": rollback.reached_at(rollback.status) or rollback.requested_at,
        "figures": progress_figures(rollback.progress),
        "not_taken": not_taken(template, typed),
    }
    context = CONTEXTS.get(rollback.status)
    return common | (context(rollback, viewer, typed) if context else {})


def not_taken(template: str, typed: Typed) -> str:
    """What was typed into a form that is not on the page any more."""
    fields = [field for field in TYPED_FIELDS.values() if field != TYPED_FIELDS.get(template)]
    return next((typed[field] for field in fields if typed.get(field)), "")


def _need_context(rollback: DatabaseRollback, viewer: Viewer, typed: Typed) -> dict[str, Any]:
    services = rollback.database.services
    live = code_side.live_code(services)
    code_operation = code_side.code_under_way(services)
    return {
        "live": [live_entry(service) for service in live],
        "code_operation": code_operation,
        **_source_context(live, typed),
    }


def live_entry(service: LiveService) -> dict[str, str]:
    """What a service of the database serves. Whether it is pinned is said only where that is known."""
    pinned = clean_line(service["pinned"], 120) or ("not pinned" if service["known"] else "")
    return {
        "tone": "plain" if service["known"] else "warn",
        "service": clean_line(service["service"], 80),
        "url": service["url"],
        "message": ", ".join(filter(None, (clean_line(service["description"], 200), pinned))),
    }


def _source_context(live: Sequence[LiveService], typed: Typed) -> dict[str, Any]:
    """The commit that code was rolled back from still has the migration, so it is offered first."""
    left = next((one["description"] for service in live if (one := service["left"])), "")
    return {"left": left, "source": typed.get("source") or ("left" if left else "live")}


def lacking_notice(rollback: DatabaseRollback) -> str:
    """Why the newest applied migration cannot be chosen from what was read, and where it is; "" if it can."""
    source = rollback.source
    lacks, holder = clean_line(source.get("lacks", "")), source.get("holder", "")
    if not lacks:
        return ""
    shown = clean_line(source.get("shown", "") or "what was read", 200)
    if holder:
        return f"{shown} lacks {lacks}, the newest applied migration. Commit {holder[:7]} has it."
    return (
        f"{shown} lacks {lacks}, the newest applied migration, and no commit on a branch or tag has the file "
        "that was applied. Read the migrations from another place."
    )


def _migration_context(rollback: DatabaseRollback, viewer: Viewer, typed: Typed) -> dict[str, Any]:
    later, entries = 0, []
    for migration in reversed(rollback.migrations):
        at = datetime.fromisoformat(migration["at"]) if migration["at"] else None
        badge = migration_badge(migration["state"])
        entries.append({**migration, "badge": badge, "applied_at": at, "later": later})
        later += bool(migration["row"])
    selectable = any(not migration["why_not"] for migration in rollback.migrations)
    return {
        "entries": entries,
        "lacking": lacking_notice(rollback),
        "holder": rollback.source.get("holder", ""),
        "select_button": viewer.button(
            even_before="" if selectable else "none of them can be rolled back; each says why"
        ),
        **_source_context(rollback.justification.get("live", []), typed),
    }


def _sql_context(rollback: DatabaseRollback, viewer: Viewer, typed: Typed) -> dict[str, Any]:
    draft = rollback.draft
    lines = [
        {**line, "tone": DRAFT_TONES.get(line["mark"], "warn"), "today": count_phrase(line["counts"])}
        for line in draft.get("lines", [])
    ]
    problems = rollback.sql_analysis.get("problems", [])
    problem_lines = [str(problem["line"]) for problem in problems if problem["line"]]
    sql = draft.get("text", "") if "draft" in typed else rollback.sql or draft.get("down", "")
    overwritten = "sql" in typed and rollback.sql not in ("", typed["sql"])
    return {
        "draft": {**draft, "lines": lines} if lines or draft.get("message") else {},
        "prefilled": bool(draft.get("down")) and not rollback.sql and not typed,
        # HTML ignores the first line break of a textarea; without it an empty first line would get lost.
        "sql_in_editor": "\n" + typed.get("sql", sql),
        "others_sql": rollback.sql if overwritten else "",
        "problems": problems,
        "problem_lines": "" if typed else ",".join(problem_lines),
    }


def _preflight_context(rollback: DatabaseRollback, viewer: Viewer, typed: Typed) -> dict[str, Any]:
    tones = [result["tone"] for result in rollback.preflight]
    stops = ", ".join(result["check"] for result in rollback.preflight if result["tone"] == "stop")
    stop = f"a preflight check blocks this: {clean_line(stops, 200)}" if stops else ""
    came_back = rollback.reached_at("backing_up") is not None  # the message says why
    return {
        "results": [{**result, "tone": TONES.get(result["tone"], "warn")} for result in rollback.preflight],
        "needs_reason": "warn" in tones and not stops,
        "backup_button": viewer.button(even_before=stop),
        "came_back": rollback.message if came_back and not rollback.failed_in else "",
        "sql_heading": "The SQL that will run",
        "sql_statements": statement_list(rollback),
    }


def _rehearsal_context(rollback: DatabaseRollback, viewer: Viewer, typed: Typed) -> dict[str, Any]:
    button = request_approval_button(viewer, rollback)
    return {**rehearsal_context(rollback), "request_approval_button": button}


def _approval_context(rollback: DatabaseRollback, viewer: Viewer, typed: Typed) -> dict[str, Any]:
    return {
        **rehearsal_context(rollback),
        "approve_button": approve_button(viewer),
        "break_glass_button": break_glass_button(viewer, rollback),
        "ticked": [int(number) for number in typed.get("ticked", "").split(",") if number.isdecimal()],
        "unfollowed": RecordedState.unfollowed_in(rollback.fingerprint),
    }


def _run_context(rollback: DatabaseRollback, viewer: Viewer, typed: Typed) -> dict[str, Any]:
    void_reason = approval.void_reason(rollback)
    code_operation = code_side.code_under_way(rollback.database.services)
    return {
        **rehearsal_context(rollback),
        "void_reason": void_reason,
        "code_operation": code_operation,
        "run_button": run_button(viewer, void_reason=void_reason, code_operation=code_operation),
        "was_run": rollback.reached_at("running") is not None,
        "hold": hold_phrase(rollback.rehearsal),
        "seen": rollback.status_times.get("approved", ""),
    }


def _running_context(rollback: DatabaseRollback, viewer: Viewer, typed: Typed) -> dict[str, Any]:
    return {
        "running_statements": run_list(rollback),
        "blockers": blocker_list(rollback),
        "cancel_button": cancel_button(viewer, rollback),
    }


def _closing_context(rollback: DatabaseRollback, viewer: Viewer, typed: Typed) -> dict[str, Any]:
    return closing_context(rollback, viewer)


CONTEXTS: dict[str, Callable[[DatabaseRollback, Viewer, Typed], dict[str, Any]]] = {
    "deciding": _need_context, "choosing": _migration_context, "writing": _sql_context,
    "ready": _preflight_context, "rehearsed": _rehearsal_context, "awaiting_approval": _approval_context,
    "approved": _run_context, "running": _running_context, "committing": _running_context,
    "resolving": _running_context, "done": _closing_context, "unchanged": _closing_context,
    "abandoned": _closing_context, "needs_attention": _closing_context,
}  # fmt: skip
