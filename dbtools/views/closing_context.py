"""Step 9 as a page shows it: what is live and comes next, the backup, and what to look at by hand."""

from __future__ import annotations

import re
from typing import Any

from dbtools.models import DatabaseRollback
from dbtools.wizard import code_side

HEADINGS = {"done": "The SQL that ran", "needs_attention": "The SQL that was sent"}
FACTS = {
    "before": "as it was before the run", "after": "as the rehearsal left it",
    "the same before and after": "the same before and after, so it tells nothing",
    "neither": "neither the one before nor the rehearsed one",
}  # fmt: skip


def afterwards(rollback: DatabaseRollback) -> dict[str, Any]:
    """The parts of step 9, whatever the end was."""
    backup = rollback.backup
    name = _new_name(rollback)
    return {
        "names": ", ".join(rollback.selected),
        "script_heading": HEADINGS.get(rollback.status, "The SQL, which did not run"),
        "live": code_side.live_code(rollback.database.services) if rollback.status == "done" else [],
        "facts": _facts(rollback.run_log.get("resolved")),
        "look": _look(rollback) if rollback.status == "needs_attention" else "",
        "restores": list(backup.restores.all()) if backup else [],
        "restore_name": name,
        "restore_command": (
            f"createdb {name}\n"
            "pg_restore --exit-on-error --single-transaction --no-owner --no-acl "
            f"--dbname={name} {backup.file if backup else ''}"
        ),
    }


def _new_name(rollback: DatabaseRollback) -> str:
    """A name for a new database that PostgreSQL needs no quotes for."""
    stamp = f"_{rollback.backup.taken_at:%Y%m%d%H%M}" if rollback.backup else ""
    bare = re.sub(r"[^a-z0-9_]", "_", rollback.database.name.lower())
    return f"restored_{bare}"[: 63 - len(stamp)] + stamp


def _facts(found: dict[str, Any] | None) -> list[tuple[str, str]]:
    """The three facts from which it was found out what became of the commit."""
    if not found:
        return []
    rows = found["rows"]
    return [
        ("Transaction", found["status"] or "the server cannot say any more"),
        ("History rows", f"{rows} of them still stand{'s' if rows == 1 else ''}"),
        ("Schema", FACTS.get(found["schema"], found["schema"])),
    ]


def _look(rollback: DatabaseRollback) -> str:
    """What a person asks the database for to see it themselves."""
    names = ", ".join("'" + name.replace("'", "''") + "'" for name in rollback.selected)
    return "\n".join((
        "SELECT migration_name, finished_at FROM _prisma_migrations",
        f"WHERE migration_name IN ({names});",
    ))  # fmt: skip
