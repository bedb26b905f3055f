"""Compares the migrations folder with the history, and decides which migrations can be rolled back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dbtools.prisma.folder import Migration, MigrationsFolder
from dbtools.prisma.history import HistoryRow
from dbtools.prisma.names import sort_names

APPLIED, FAILED, ROLLED_BACK, PENDING = "applied", "failed", "rolled back", "pending"
UNKNOWN, BASELINE, EDITED, EMPTY = "unknown to the folder", "squashed baseline", "edited since", "no SQL"


class NotSelectable(Exception):
    """This migration cannot be selected for a rollback; `str()` gives the reason."""


@dataclass(frozen=True, slots=True)
class MigrationEntry:
    """One migration of the folder or the history.

    Attributes:
        row: id of the history row that a rollback would delete; "" if there is none.
        at: when it was applied.
        why_not: why it cannot be the oldest migration of a rollback; "" if it can.
        warning: for the user's attention; it does not prevent a rollback.
    """

    name: str
    state: str
    row: str
    at: str
    checksum: str
    sql: str
    down: str
    why_not: str
    warning: str = ""


def compare(folder: MigrationsFolder, rows: Sequence[HistoryRow], version: str) -> tuple[MigrationEntry, ...]:
    """All migrations of the folder and the history in Prisma's order, oldest first.

    Args:
        version: of Prisma, such as "6.19.3"; "" if unknown.

    Raises:
        names.UnknownOrder: the order depends on the unknown version.
    """
    names = sort_names({*folder.migrations, *(row.name for row in rows)}, version)
    entries = [_entry(name, folder.migrations.get(name), rows) for name in names]
    blocked = _blocks_everything(rows)
    blocked_by_later = ""
    newest_first: list[MigrationEntry] = []
    for entry in reversed(entries):
        why_not = entry.why_not or blocked or blocked_by_later
        newest_first.append(replace(entry, why_not=why_not))
        if entry.why_not and entry.row:
            blocked_by_later = f"{entry.name} is later and cannot be rolled back: {entry.why_not}"
    return _with_warnings(tuple(reversed(newest_first)))


def select(entries: Sequence[MigrationEntry], name: str) -> tuple[MigrationEntry, ...]:
    """The migrations to roll back together with `name`: it and every later applied one, newest first.

    Raises:
        NotSelectable: with the reason.
    """
    index = next((number for number, entry in enumerate(entries) if entry.name == name), None)
    if index is None:
        raise NotSelectable(f"There is no migration {name!r} here.")
    if entries[index].why_not:
        raise NotSelectable(f"{name} cannot be rolled back: {entries[index].why_not}")
    return tuple(entry for entry in reversed(entries[index:]) if entry.row)


def _entry(name: str, migration: Migration | None, rows: Sequence[HistoryRow]) -> MigrationEntry:
    own_rows = [row for row in rows if row.name == name]
    applied = [row for row in own_rows if row.state == APPLIED]
    state, why_not = _state(migration, own_rows, applied)
    row = applied[-1] if applied else None
    return MigrationEntry(
        name=name,
        state=state,
        row=row.id if row else "",
        at=(row or own_rows[-1]).started_at if own_rows else "",
        checksum=row.checksum if row else "",
        sql=(migration.sql or "") if migration else "",
        down=(migration.down or "") if migration else "",
        why_not=why_not,
    )


def _state(
    migration: Migration | None, own_rows: Sequence[HistoryRow], applied: Sequence[HistoryRow]
) -> tuple[str, str]:
    """The state of one migration, and why it cannot be rolled back by itself; "" if it can."""
    if not applied:
        return _not_applied(migration, own_rows)
    row = applied[-1]
    edited = migration is not None and any(migration.is_another(row.checksum) for row in applied)
    if len(applied) > 1:
        rows = f"the history has {len(applied)} applied rows of that name"
        return EDITED if edited else APPLIED, f"{rows}; a person has to sort that out."
    if edited:
        return EDITED, _why_edited(row)
    if row.never_ran:
        return BASELINE, "it was only recorded (migrate resolve --applied): its SQL never ran here."
    if migration is None:
        return UNKNOWN, "its SQL is not in this folder. Read the folder at a commit that has it."
    if migration.sql is None:
        return EMPTY, "its directory has no migration.sql."
    if migration.holds_its_own_down:
        return APPLIED, "its file holds an Up and a Down part, and Prisma has executed both."
    return APPLIED, ""


def _why_edited(row: HistoryRow) -> str:
    """The file is not what the history knows, so it is not replayed either: it may say anything."""
    done = "recorded (migrate resolve --applied)" if row.never_ran else "applied"
    return f"the file was edited after it was {done}. Read the folder at the commit that was used then."


def _not_applied(migration: Migration | None, own_rows: Sequence[HistoryRow]) -> tuple[str, str]:
    if any(row.state == "unfinished" for row in own_rows):
        return FAILED, "it has not finished: it failed, or is being applied at this moment."
    if own_rows:
        return ROLLED_BACK, "it is not applied: there is nothing to roll back."
    if migration is not None and migration.sql is None:
        return EMPTY, "its directory has no migration.sql, and it is not applied."
    return PENDING, "it is not applied: there is nothing to roll back."


def _blocks_everything(rows: Sequence[HistoryRow]) -> str:
    unfinished = [row.name for row in rows if row.state == "unfinished"]
    if not unfinished:
        return ""
    return (
        f"{unfinished[0]} has failed or is being applied at this moment. Settle it first "
        "(prisma migrate resolve), then read the history again."
    )


def _with_warnings(entries: tuple[MigrationEntry, ...]) -> tuple[MigrationEntry, ...]:
    """Add a warning where the order of names and the order of application differ."""
    latest, name = "", ""
    warned: list[MigrationEntry] = []
    for entry in entries:
        warning = ""
        if entry.row and entry.at < latest:
            warning = f"It was applied before {name}, although its name comes later."
        elif entry.row and entry.at == latest:
            warning = f"It was applied in the same moment as {name}."
        if entry.row and entry.at >= latest:
            latest, name = entry.at, entry.name
        warned.append(replace(entry, warning=warning))
    return tuple(warned)
