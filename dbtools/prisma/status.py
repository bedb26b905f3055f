"""What `prisma migrate status` says after a rollback.

An older row of the same name stays where the migration had failed and was settled by `migrate resolve
--rolled-back` before it was applied: it is Prisma's own record, and no part of what was approved. Up to 7.8
`status` counts it as applied; since 7.9 it does not. `migrate deploy` applies the migration in every version.

Reference: verified with Prisma's own CLI in `tests/prisma`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from dbtools.prisma.history import HistoryRow


def older_rows(rows: Iterable[HistoryRow], names: Collection[str]) -> tuple[str, ...]:
    """Which of these migrations have an older row that is marked as rolled back, each once."""
    marked = (row.name for row in rows if row.state == "rolled back" and row.name in names)
    return tuple(dict.fromkeys(marked))


def status_in_words(names: Collection[str], older: Collection[str]) -> str:
    """What `migrate status` will say about the migrations that were rolled back.

    Args:
        older: those of which an older row stays.
    """
    if not older:
        return "prisma migrate status lists it as not yet applied (exit code 1), in every version of Prisma."
    also = " Of the others it says that in every version." if len(older) < len(names) else ""
    return (
        f"An older row of {', '.join(older)}, marked as rolled back, stays in the history. So prisma "
        "migrate status of Prisma 6, and of 7 up to 7.8, leaves it out and may say “Database schema is up "
        "to date!” (exit code 0), which is wrong; since 7.9 it says “not yet been applied” (exit code 1). "
        f"prisma migrate deploy applies it again in every version.{also}"
    )
