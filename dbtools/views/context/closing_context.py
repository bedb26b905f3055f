"""Step 9 as a page shows it: how the run ended, what comes next, and the backup."""

from __future__ import annotations

import re
from typing import Any

from dbtools.models import DatabaseRollback
from dbtools.models.documents import LiveService, StoredCommitOutcome
from dbtools.prisma.status import status_in_words
from dbtools.views.badges import outcome_badge
from dbtools.views.buttons import Viewer, settle_button
from dbtools.views.context.rehearsal_context import rehearsal_context
from dbtools.views.context.release_context import release_context
from dbtools.wizard import code_side
from rollback_portal.text import clean_line

HEADINGS = {"done": "The SQL that ran", "needs_attention": "The SQL that was sent"}
SCHEMAS = {
    "before": "as it was before the run", "after": "as the run left it before its commit",
    "the same before and after": "the same before and after, so it tells nothing",
    "neither": "neither the one before nor the one that the run left",
}  # fmt: skip
LONGEST_DATABASE_NAME = 63  # bytes, PostgreSQL's own limit


def closing_context(rollback: DatabaseRollback, viewer: Viewer) -> dict[str, Any]:
    """The parts of step 9, however the rollback ended."""
    done, backup = rollback.status == "done", rollback.backup
    name = new_database_name(rollback)
    return {
        **rehearsal_context(rollback),
        "badge": outcome_badge(rollback),
        "names": ", ".join(rollback.selected),
        "sql_heading": HEADINGS.get(rollback.status, "The SQL, which did not run"),
        "results": result_lines(rollback) if done else [],
        "status_words": status_words(rollback) if done else "",
        "live": [live_line(service) for service in _live_services(rollback)] if done else [],
        "facts": outcome_facts(rollback.run_log.get("resolved")),
        "settle_button": settle_button(viewer),
        "lookup_query": lookup_query(rollback) if rollback.status == "needs_attention" else "",
        **release_context(rollback, viewer),
        "restore_name": name,
        "restore_command": (
            f"createdb {name}\n"
            "pg_restore --exit-on-error --single-transaction --no-owner --no-acl "
            f"--dbname={name} {backup.file if backup else ''}"
        ),
    }


def status_words(rollback: DatabaseRollback) -> str:
    """What `prisma migrate status` of each version will say; "" where nobody has looked at the history."""
    verification = rollback.verification
    if "older_rows" not in verification:
        return ""
    return status_in_words(rollback.selected, verification["older_rows"])


def _live_services(rollback: DatabaseRollback) -> list[LiveService]:
    return code_side.live_code(rollback.database.services)


def result_lines(rollback: DatabaseRollback) -> list[dict[str, str]]:
    """What is known about a committed run, each as a sentence with its tone."""
    run_log, lines = rollback.run_log, []
    deleted = len(run_log.get("deleted", []))
    if deleted:
        rows, gone = ("row", "is") if deleted == 1 else ("rows", "are")
        lines.append(
            _line(
                "good", f"{deleted} {rows} of _prisma_migrations {gone} gone; saved whole in the audit log."
            )
        )
    lines.append(_verification_line(rollback))
    if run_log.get("compared"):
        lines.append(_line("good", run_log["compared"]))
    lines += [_line("warn", f"Also changed by it: {sentence}") for sentence in run_log.get("beside", [])]
    differences = rollback.verification.get("differences", [])
    lines += [_line("warn", f"Changed since the commit: {sentence}") for sentence in differences]
    if run_log.get("seconds"):
        message = f"The transaction took {run_log['seconds']:.1f} s, at try {run_log.get('tries', 1)}."
        lines.append(_line("good", message))
    for index in run_log.get("invalid", []):
        lines.append(_line("bad", f"The index {index} was left behind invalid: drop it."))
    return lines


def _verification_line(rollback: DatabaseRollback) -> dict[str, str]:
    if rollback.settled_at or not rollback.verification:
        who = rollback.settled_by_name or "a person"
        return _line("warn", f"Settled by {who}; the portal has not verified it.")
    if rollback.verification.get("schema_as_rehearsed"):
        return _line("good", "The schema is the one that the run left, seen from a new connection.")
    return _line("bad", "The schema is not the one that the run left.")


def _line(tone: str, message: str) -> dict[str, str]:
    return {"tone": tone, "message": message}


def live_line(service: LiveService) -> dict[str, str]:
    """Whether a push would deploy the service, and with it the migration."""
    known = "not pinned: a push deploys it" if service["known"] else "so look whether a push deploys it"
    pinned = clean_line(service["pinned"], 120)
    return {
        "tone": "good" if pinned else "warn",
        "service": service["service"],
        "message": f"{clean_line(service['description'], 200)}, {pinned or known}.",
    }


def new_database_name(rollback: DatabaseRollback) -> str:
    """A name for the restored database that PostgreSQL accepts without quotes."""
    stamp = f"_{rollback.backup.taken_at:%Y%m%d%H%M}" if rollback.backup else ""
    bare = re.sub(r"[^a-z0-9_]", "_", rollback.database.name.lower())
    return f"restored_{bare}"[: LONGEST_DATABASE_NAME - len(stamp)] + stamp


def outcome_facts(outcome: StoredCommitOutcome | None) -> list[tuple[str, str]]:
    """The three facts that decided whether the run was committed."""
    if not outcome:
        return []
    rows = outcome["rows"]
    return [
        ("Transaction", outcome["status"] or "the server can no longer say"),
        ("History rows", f"{rows} of them still there"),
        ("Schema", SCHEMAS.get(outcome["schema"], outcome["schema"])),
    ]


def lookup_query(rollback: DatabaseRollback) -> str:
    """The query with which a person can see for themselves whether it was committed."""
    names = ", ".join("'" + name.replace("'", "''") + "'" for name in rollback.selected)
    return "\n".join((
        "SELECT migration_name, finished_at FROM _prisma_migrations",
        f"WHERE migration_name IN ({names});",
    ))  # fmt: skip
