"""The folder and the history side by side, and which migrations can be chosen for a rollback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dbtools.prisma.folder import Folder, Migration
from dbtools.prisma.history import Row
from dbtools.prisma.names import in_order

APPLIED, FAILED, ROLLED_BACK, PENDING = "applied", "failed", "rolled back", "pending"
UNKNOWN, BASELINE, EDITED, EMPTY = "unknown to the folder", "squashed baseline", "edited since", "no SQL"


class NotChoosable(Exception):
    """This migration cannot be rolled back from here; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One migration, in Prisma's own order.

    `row` is the history row that a rollback would take out, "" where there is none; `why_not` is why it
    cannot be the oldest one of a rollback, "" where it can; `warning` deserves a look and stops nothing.
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


def arrange(folder: Folder, rows: Sequence[Row], version: str) -> tuple[Entry, ...]:
    """All migrations of either side, oldest first.

    Args:
        version: of Prisma, such as "6.19.3"; "" where it is unknown.

    Raises:
        names.UnknownOrder: the order cannot be told, so nothing can be chosen.
    """
    names = in_order({*folder.migrations, *(row.name for row in rows)}, version)
    entries = [_entry(name, folder.migrations.get(name), rows) for name in names]
    blocked = _blocks_everything(rows)
    later = ""
    arranged: list[Entry] = []
    for entry in reversed(entries):
        why_not = entry.why_not or blocked or later
        arranged.append(replace(entry, why_not=why_not))
        if entry.why_not and entry.row:
            later = f"{entry.name} is later and cannot be rolled back: {entry.why_not}"
    return _warned(tuple(reversed(arranged)))


def chosen(entries: Sequence[Entry], name: str) -> tuple[Entry, ...]:
    """The migrations that go when `name` goes: it and every later applied one, newest first.

    Raises:
        NotChoosable: with the reason.
    """
    found = next((number for number, entry in enumerate(entries) if entry.name == name), None)
    if found is None:
        raise NotChoosable(f"There is no migration {name!r} here.")
    if entries[found].why_not:
        raise NotChoosable(f"{name} cannot be rolled back: {entries[found].why_not}")
    return tuple(entry for entry in reversed(entries[found:]) if entry.row)


def _entry(name: str, migration: Migration | None, rows: Sequence[Row]) -> Entry:
    mine = [row for row in rows if row.name == name]
    applied = [row for row in mine if row.state == APPLIED]
    state, why_not = _judge(migration, mine, applied)
    row = applied[-1] if applied else None
    return Entry(
        name=name,
        state=state,
        row=row.id if row else "",
        at=(row or mine[-1]).started_at if mine else "",
        checksum=row.checksum if row else "",
        sql=(migration.sql or "") if migration else "",
        down=(migration.down or "") if migration else "",
        why_not=why_not,
    )


def _judge(migration: Migration | None, mine: Sequence[Row], applied: Sequence[Row]) -> tuple[str, str]:
    """The state of one name, and why it cannot be rolled back by itself."""
    if not applied:
        return _not_applied(migration, mine)
    row = applied[-1]
    if len(applied) > 1:
        return (
            APPLIED,
            f"the history has {len(applied)} applied rows of that name; a person has to sort that out.",
        )
    if row.never_ran:
        return BASELINE, "it was only recorded (migrate resolve --applied): its SQL never ran here."
    if migration is None:
        return UNKNOWN, "its SQL is not in this folder. Read the folder at a commit that has it."
    if migration.sql is None:
        return EMPTY, "its directory has no migration.sql."
    if migration.holds_its_own_down:
        return APPLIED, "its file holds an Up and a Down part, and Prisma has executed both."
    if not migration.is_of(row.checksum):
        return (
            EDITED,
            "the file was edited after it was applied. Read the folder at the commit that was applied.",
        )
    return APPLIED, ""


def _not_applied(migration: Migration | None, mine: Sequence[Row]) -> tuple[str, str]:
    if any(row.state == "unfinished" for row in mine):
        return FAILED, "it has not finished: it failed, or is being applied at this moment."
    if mine:
        return ROLLED_BACK, "it is not applied: there is nothing to roll back."
    if migration is not None and migration.sql is None:
        return EMPTY, "its directory has no migration.sql, and it is not applied."
    return PENDING, "it is not applied: there is nothing to roll back."


def _blocks_everything(rows: Sequence[Row]) -> str:
    unfinished = [row.name for row in rows if row.state == "unfinished"]
    if not unfinished:
        return ""
    return (
        f"{unfinished[0]} has failed or is being applied at this moment. Settle it first "
        "(prisma migrate resolve), then read the history again."
    )


def _warned(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Say where the order of the names and the order of time disagree."""
    latest, name = "", ""
    told: list[Entry] = []
    for entry in entries:
        warning = ""
        if entry.row and entry.at < latest:
            warning = f"It was applied before {name}, although its name comes later."
        elif entry.row and entry.at == latest:
            warning = f"It was applied in the same moment as {name}."
        if entry.row and entry.at >= latest:
            latest, name = entry.at, entry.name
        told.append(replace(entry, warning=warning))
    return tuple(told)
