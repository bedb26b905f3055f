"""The history that Prisma keeps in `_prisma_migrations`: read whole, judged by its own rules."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dbtools.postgres.client import SQL, Connection, Identifier

TABLE = "_prisma_migrations"


class NoHistory(Exception):
    """There is nothing here that the wizard could edit; `str()` says what there is instead."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `whole` is all of it as JSON, to be put back word for word."""

    id: str
    name: str
    checksum: str
    state: str  # "applied", "unfinished" (failed, or being applied at this moment) or "rolled back"
    steps: int
    logs: str | None
    started_at: str
    whole: str

    @property
    def never_ran(self) -> bool:
        """Recorded by `migrate resolve --applied`: its SQL was not executed here."""
        return self.state == "applied" and self.steps == 0 and self.logs == ""


def read(connection: Connection, schema: str) -> tuple[Row, ...]:
    """All rows in the order in which Prisma lists them.

    Raises:
        NoHistory: the table is not in this schema; Prisma 8 and `db push` are recognised.
    """
    if not _is_there(connection, schema, TABLE):
        raise NoHistory(_what_there_is(connection, schema))
    rows = connection.execute(
        SQL("SELECT to_jsonb(row)::text FROM {}.{} AS row ORDER BY started_at, id").format(
            Identifier(schema), Identifier(TABLE)
        )
    ).fetchall()
    return tuple(_row(text) for (text,) in rows)


def _is_there(connection: Connection, schema: str, table: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s AND c.relkind = 'r'",
        [schema, table],
    ).fetchone()
    return found is not None


def _what_there_is(connection: Connection, schema: str) -> str:
    if _is_there(connection, "prisma_contract", "marker"):
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
    return f"The schema {schema} has no {TABLE}: Prisma Migrate was never used here (perhaps `db push`)."


def _row(text: str) -> Row:
    whole: dict[str, Any] = json.loads(text)
    return Row(
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


def digest(rows: Iterable[Row]) -> str:
    """SHA-256 of the whole history: any row that is added, changed or gone makes another one."""
    lines = sorted(json.dumps(json.loads(row.whole), sort_keys=True) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
