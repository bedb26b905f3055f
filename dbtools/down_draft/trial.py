"""Try statements in a transaction that is undone: which work, and in which order they do.

PostgreSQL itself is asked for the order: what it refuses now may work after the others. What stays refused is
tried in a rougher way next time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from dbtools.down_draft.draft import DraftLine
from dbtools.down_draft.renames import renames
from dbtools.down_draft.statements import CHANGE, PHASES, ROUGHEST, UNTIE, Step, plan
from dbtools.postgres.catalog import Catalog, read
from dbtools.postgres.client import Connection, Error

ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Trial:
    """What worked, where it led, and PostgreSQL's words on what did not."""

    lines: tuple[DraftLine, ...]
    reached: Catalog
    errors: tuple[str, ...]


class _Again(Exception):
    """The round is undone, to be tried in a rougher way."""


def invert(connection: Connection, before: Catalog, after: Catalog, remade: frozenset[str]) -> Trial:
    """Find the way back to `before` from where the connection's transaction stands; it is left changed."""
    lines, reached = _give_names_back(connection, before, after)
    failed: Counter[str] = Counter()
    errors: tuple[str, ...] = ()
    for _ in range(ROUNDS):
        steps = plan(before, reached, failed, remade)
        if not steps:
            break
        done: list[DraftLine] = []
        rougher = False
        with suppress(_Again), connection.transaction():
            done, refused = _attempt(connection, steps)
            failed.update({step.key for step, _ in refused})
            errors = tuple(error for _, error in refused)
            rougher = any(step.phase == CHANGE and failed[step.key] <= ROUGHEST for step, _ in refused)
            if rougher:
                raise _Again
            lines += done
            reached = read(connection)
        if not done and not rougher:
            break
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


def _attempt(connection: Connection, steps: Sequence[Step]) -> tuple[list[DraftLine], list[tuple[Step, str]]]:
    done: list[DraftLine] = []
    waiting: list[tuple[Step, str]] = []
    for phase in PHASES:
        if phase != UNTIE or waiting:
            waiting += [(step, "") for step in steps if step.phase == phase]
            waiting = _until_nothing_moves(connection, waiting, done)
    return done, [(step, error) for step, error in waiting if step.phase != UNTIE]


def _until_nothing_moves(
    connection: Connection, waiting: list[tuple[Step, str]], done: list[DraftLine]
) -> list[tuple[Step, str]]:
    while True:
        left: list[tuple[Step, str]] = []
        for step, _ in waiting:
            sql, error = _first_that_works(connection, step)
            if sql:
                done.append(DraftLine(sql, step.mark, step.note, step.key))
            else:
                left.append((step, error))
        if len(left) == len(waiting):
            return left
        waiting = left


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
