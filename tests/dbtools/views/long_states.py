"""The states of the wizard, with every text as long as a database or a person may make it."""

from __future__ import annotations

from typing import Any

from dbtools.models import Database, DatabaseRollback
from dbtools.wizard.binding import digest_of
from rollback_portal.accounts.models import User
from tests import factories as portal
from tests.dbtools import rollback_rows
from tests.dbtools.views import wizard_states

WORD = "withoutASingleSpaceInIt" * 12
NAME = f"20261121093100_{'drop_the_legacy_price_of_every_order_' * 5}x"
LINE = f'ALTER TABLE "Order" ADD COLUMN "{WORD}" text DEFAULT \'{WORD * 4}\' CHECK ("{WORD}" IS NOT NULL)'
LONG_MESSAGE = (
    f"{WORD}, and then a sentence that goes on for a very long time without coming to its end. " * 3
)
TEXTS = {"message", "why", "instead", "what", "note", "noun", "warning", "why_not", "query", "application"}
MANY = 24


def apart(name: str, dana: User, efe: User, *, long: bool = False) -> DatabaseRollback:
    """The state on its own database, so that all of them can exist together."""
    row = wizard_states.STATES[name](dana, efe)
    own = rollback_rows.database(
        f"{name}-{'of-the-whole-shop-' * 5}x" if long else f"shop-{name}", services=["api"]
    )
    fields = lengthened(row) if long else {}
    row = wizard_states.changed(row, database=own, **fields)
    return wizard_states.changed(row, approval_digest=digest_of(row)) if row.approval_digest else row


def lengthened(row: DatabaseRollback) -> dict[str, Any]:
    return {
        "incident": WORD[:100],
        "message": row.message and LONG_MESSAGE,
        "broke_glass": row.broke_glass and LONG_MESSAGE,
        "selected": row.selected and [NAME, f"{NAME}2"],
        "migrations": [copy for entry in stretched(row.migrations) for copy in numbered(entry)],
        "sql": row.sql and f"{LINE};\n" * MANY,
        "sql_analysis": stretched(row.sql_analysis),
        "draft": stretched(row.draft),
        "preflight": stretched(row.preflight),
        "progress": stretched(row.progress),
        "rehearsal": stretched(row.rehearsal),
        "run_log": {**row.run_log, **({"invalid": [WORD]} if row.run_log else {})},
    }


def numbered(entry: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**entry, "name": f"{entry['name']}_{number}"} for number in range(MANY // 4)]


def stretched(value: Any, key: str = "") -> Any:
    """The same shape, with long names, long lines and many of them."""
    if isinstance(value, dict):
        return {name: stretched(item, name) for name, item in value.items()}
    if isinstance(value, list):
        items = [stretched(item, key) for item in value]
        return items * MANY if key in ("lines", "statements", "blockers") else items
    if not isinstance(value, str) or not value:
        return value
    if key in ("text", "sql", "lines", "down"):
        return f"{value[:1] if key == 'lines' else ''}{LINE}"
    return {"name": NAME, "table": WORD, "tables": WORD}.get(key, LONG_MESSAGE if key in TEXTS else value)


def listed() -> list[Database]:
    """Databases of the list with names, errors and versions that are long."""
    facts = {"server": f"PostgreSQL 18.6 ({WORD})", "bytes": 9_288_490_188_000, "applied": 1, "newest": NAME,
             "newest_at": "", "unfinished": NAME}  # fmt: skip
    fields = {"facts": facts, "read_at": portal.ago(), "environment": WORD[:60]}
    return [
        rollback_rows.database("shop-" * 20 + "x", **fields),
        rollback_rows.database("y" * 110, error=LONG_MESSAGE),
    ]
