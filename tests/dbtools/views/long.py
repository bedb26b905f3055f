"""The states of the wizard again, with everything as long as a database or a person may make it."""

from __future__ import annotations

from typing import Any

from dbtools.approvals import bound_to
from dbtools.models import Database, DatabaseRollback
from rollback_portal.accounts.models import User
from tests import make as portal
from tests.dbtools import rows
from tests.dbtools.views import make

WORD = "withoutASingleSpaceInIt" * 12
NAME = f"20261121093100_{'drop_the_legacy_price_of_every_order_' * 5}x"
LINE = f'ALTER TABLE "Order" ADD COLUMN "{WORD}" text DEFAULT \'{WORD * 4}\' CHECK ("{WORD}" IS NOT NULL)'
SAID = f"{WORD}, and then a sentence that goes on for as long as somebody who is tired still has breath. " * 3
TEXTS = {"sentence", "why", "instead", "what", "note", "noun", "warning", "why_not", "query", "application"}
MANY = 24


def apart(name: str, dana: User, efe: User, *, long: bool = False) -> DatabaseRollback:
    """The state on a database of its own, so that all of them can stand side by side."""
    row = make.STATES[name](dana, efe)
    own = rows.database(f"{name}-{'of-the-whole-shop-' * 5}x" if long else f"shop-{name}", services=["api"])
    fields = lengthened(row) if long else {}
    row = make.changed(row, database=own, **fields)
    return make.changed(row, bound=bound_to(row)) if row.bound else row


def lengthened(row: DatabaseRollback) -> dict[str, Any]:
    return {
        "incident": WORD[:100],
        "sentence": row.sentence and SAID,
        "broke_glass": row.broke_glass and SAID,
        "chosen": row.chosen and [NAME, f"{NAME}2"],
        "entries": [each for entry in stretched(row.entries) for each in numbered(entry)],
        "sql": row.sql and f"{LINE};\n" * MANY,
        "script": stretched(row.script),
        "draft": stretched(row.draft),
        "guards": stretched(row.guards),
        "progress": stretched(row.progress),
        "rehearsal": stretched(row.rehearsal),
        "run": {**row.run, **({"invalid": [WORD]} if row.run else {})},
    }


def numbered(entry: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**entry, "name": f"{entry['name']}_{number}"} for number in range(MANY // 4)]


def stretched(value: Any, key: str = "") -> Any:
    """The same shape, with long names, long lines and many of them."""
    if isinstance(value, dict):
        return {name: stretched(each, name) for name, each in value.items()}
    if isinstance(value, list):
        each = [stretched(one, key) for one in value]
        return each * MANY if key in ("lines", "statements", "blockers") else each
    if not isinstance(value, str) or not value:
        return value
    if key in ("text", "sql", "lines", "down"):
        return f"{value[:1] if key == 'lines' else ''}{LINE}"
    return {"name": NAME, "table": WORD, "tables": WORD}.get(key, SAID if key in TEXTS else value)


def listed() -> list[Database]:
    """Databases of the list with names, errors and versions that are long."""
    facts = {"server": f"PostgreSQL 18.6 ({WORD})", "bytes": 9_288_490_188_000, "applied": 1, "newest": NAME,
             "newest_at": "", "unfinished": NAME}  # fmt: skip
    told = {"facts": facts, "read_at": portal.ago(), "environment": WORD[:60]}
    return [rows.database("shop-" * 20 + "x", **told), rows.database("y" * 110, error=SAID)]
