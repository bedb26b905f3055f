"""Try statements in a transaction that is undone: which work, and in which order they do.

PostgreSQL itself is asked for the order: what it refuses now may work after the others. What stays refused is
tried in a rougher way next time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from dbtools.catalog import Catalog, read
from dbtools.drafts.draft import DraftLine
from dbtools.drafts.plan import Step, plan
from dbtools.drafts.renames import renames
from dbtools.target import Connection, Error

ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Trial:
    """What worked, where it led, and PostgreSQL's words on what did not."""

    lines: tuple[DraftLine, ...]
    reached: Catalog
    errors: tuple[str, ...]


def invert(connection: Connection, before: Catalog, after: Catalog, remade: frozenset[str]) -> Trial:
    """Find the way back to `before` from where the connection's transaction stands; it is left changed."""
    lines, reached = _give_names_back(connection, before, after)
    failed: Counter[str] = Counter()
    errors: tuple[str, ...] = ()
    for _ in range(ROUNDS):
        steps = plan(before, reached, failed, remade)
        if not steps:
            break
        done, refused = _attempt(connection, steps)
        lines += done
        failed.update({step.key for step, _ in refused})
        errors = tuple(error for _, error in refused)
        if not done and not _rougher_left(failed, refused):
            break
        reached = read(connection)
    return Trial(tuple(lines), reached, errors)


def _give_names_back(
    connection: Connection, before: Catalog, after: Catalog
) -> tuple[list[DraftLine], Catalog]:
    lines: list[DraftLine] = []
    tried: set[str] = set()
    while True:
        wanted = [rename for rename in renames(before, after) if rename.line.sql not in tried]
        if not wanted:
            return lines, after
        for rename in wanted:
            tried.add(rename.line.sql)
            if _works(connection, rename.line.sql) == "":
                lines.append(rename.line)
            elif rename.aside and _works(connection, rename.aside.sql) == "":
                lines.append(rename.aside)
                tried.discard(rename.line.sql)
        after = read(connection)


def _attempt(connection: Connection, steps: Iterable[Step]) -> tuple[list[DraftLine], list[tuple[Step, str]]]:
    done: list[DraftLine] = []
    waiting = [(step, "") for step in steps]
    while waiting:
        left: list[tuple[Step, str]] = []
        for step, _ in waiting:
            sql, error = _first_that_works(connection, step)
            if sql:
                done.append(DraftLine(sql, step.mark, step.note, step.key))
            else:
                left.append((step, error))
        if len(left) == len(waiting):
            return done, left
        waiting = left
    return done, []


def _first_that_works(connection: Connection, step: Step) -> tuple[str, str]:
    first = ""
    for sql in (step.sql, *step.variants):
        error = _works(connection, sql)
        if not error:
            return sql, ""
        first = first or error
    return "", first


def _works(connection: Connection, sql: str) -> str:
    """Run it; "" where it worked, else PostgreSQL's words, and it is as if it never ran."""
    try:
        with connection.transaction():
            connection.execute(sql.encode(), binary=True)
    except Error as error:
        return " ".join(str(error).split()) or type(error).__name__
    return ""


def _rougher_left(failed: Counter[str], refused: Iterable[tuple[Step, str]]) -> bool:
    return any(failed[step.key] < 4 for step, _ in refused)
