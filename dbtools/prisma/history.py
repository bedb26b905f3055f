"""Prisma's migration history, the table `_prisma_migrations`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dbtools.postgres.client import SQL, Connection, Identifier

TABLE = "_prisma_migrations"


class HistoryNotFound(Exception):
    """There is no history that the wizard could edit; `str()` says what there is instead."""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One row. `whole` is the complete row as JSON, from which it can be restored exactly."""

    id: str
    name: str
    checksum: str
    state: str  # "applied", "unfinished" (failed, or being applied now) or "rolled back"
    steps: int
    logs: str | None
    started_at: str
    whole: str

    @property
    def never_ran(self) -> bool:
        """Whether it was only recorded, by `migrate resolve --applied`, and its SQL was not executed."""
        return self.state == "applied" and self.steps == 0 and self.logs == ""


def read(connection: Connection, schema: str) -> tuple[HistoryRow, ...]:
    """All rows, in Prisma's order.

    Raises:
        HistoryNotFound: the schema has no such table; Prisma 8 and `db push` are recognised.
    """
    if not _table_exists(connection, schema, TABLE):
        raise HistoryNotFound(_explain_missing(connection, schema))
    rows = connection.execute(
        SQL("SELECT to_jsonb(row)::text FROM {}.{} AS row ORDER BY started_at, id").format(
            Identifier(schema), Identifier(TABLE)
        )
    ).fetchall()
    return tuple(_row(text) for (text,) in rows)


def _table_exists(connection: Connection, schema: str, table: str) -> bool:
    row = connection.execute(
        "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s AND c.relkind = 'r'",
        [schema, table],
    ).fetchone()
    return row is not None


def _explain_missing(connection: Connection, schema: str) -> str:
    if _table_exists(connection, "prisma_contract", "marker"):
        return (
            "Prisma 8 keeps this database: its state is in prisma_contract, not in _prisma_migrations. "
            "There a rollback is a further migration; this wizard does not touch it."
        )
    others = connection.execute(
        "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relname = %s AND c.relkind = 'r' ORDER BY 1",
        [TABLE],
    ).fetchall()
    if others:
        names = ", ".join(name for (name,) in others)
        return f"The schema {schema} has no {TABLE}; {names} has one. Check ?schema= in the address."
    return f"The schema {schema} has no {TABLE}: Prisma Migrate was never used here (perhaps db push)."


def _row(text: str) -> HistoryRow:
    whole: dict[str, Any] = json.loads(text)
    return HistoryRow(
        id=whole["id"],
        name=whole["migration_name"],
        checksum=whole["checksum"],
        state=_state(whole),
        steps=int(whole["applied_steps_count"]),
        logs=whole["logs"],
        started_at=whole["started_at"],
        whole=text,
    )


def _state(whole: dict[str, Any]) -> str:
    if whole["rolled_back_at"] is not None:
        return "rolled back"
    return "applied" if whole["finished_at"] is not None else "unfinished"


def digest(rows: Iterable[HistoryRow]) -> str:
    """SHA-256 of the whole history; it changes with every row that is added, changed or deleted."""
    lines = sorted(json.dumps(json.loads(row.whole), sort_keys=True) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
