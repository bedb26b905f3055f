"""Tries statements in a transaction that is rolled back, to find out which work and in which order.

PostgreSQL determines the order: a statement that it refuses now may work after the others. For what remains
refused, the next round plans a rougher statement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from dbtools.down_draft.attempts import CHANGE, DROP_FOREIGN_KEYS, PHASES, Attempt, DraftStatement
from dbtools.down_draft.draft import DECIDE, DraftLine
from dbtools.down_draft.refusals import NO_REFUSAL, Refusal, explain, tables_in_the_way
from dbtools.down_draft.renames import renames
from dbtools.down_draft.statements import plan_statements
from dbtools.postgres.catalog import Catalog, read
from dbtools.postgres.client import Connection, Error, Rollback

ROUNDS = 10
MOST_FAILURES = 2  # refusals after which a statement is left out, so that the others are tried without it
CHECKED = "This check stands only until the next statement."


@dataclass(frozen=True, slots=True)
class Trial:
    """The statements that worked, the catalog they led to, and PostgreSQL's errors for the others."""

    lines: tuple[DraftLine, ...]
    reached: Catalog
    errors: tuple[str, ...]


class _Retry(Exception):
    """Rolls the round back, to try rougher statements."""


def invert(connection: Connection, before: Catalog, after: Catalog, recreated: frozenset[str]) -> Trial:
    """Find statements that lead from the current state of the connection's transaction to `before`."""
    lines, reached = _restore_names(connection, before, after)
    failed: Counter[str] = Counter()
    errors: tuple[str, ...] = ()
    for _ in range(ROUNDS):
        statements = plan_statements(before, reached, failed, recreated)
        if not statements:
            break
        done: list[DraftLine] = []
        rougher = False
        with suppress(_Retry), connection.transaction():
            done, refused = _attempt(connection, statements, reached)
            failed.update({statement.key for statement, _ in refused})
            errors = tuple(refusal.message for _, refusal in refused)
            rougher = any(
                statement.phase == CHANGE and failed[statement.key] <= MOST_FAILURES
                for statement, _ in refused
            )
            if rougher:
                raise _Retry
            lines += done
            reached = read(connection)
        if not done and not rougher:
            break
    return Trial(tuple(lines), reached, errors)


def _restore_names(
    connection: Connection, before: Catalog, after: Catalog
) -> tuple[list[DraftLine], Catalog]:
    lines: list[DraftLine] = []
    tried: set[str] = set()
    while True:
        open_renames = [rename for rename in renames(before, after) if rename.line.sql not in tried]
        if not open_renames:
            return lines, after
        for rename in open_renames:
            tried.add(rename.line.sql)
            if _try(connection, Attempt(rename.line.sql)) is None:
                lines.append(rename.line)
            elif rename.aside and _try(connection, Attempt(rename.aside.sql)) is None:
                lines.append(rename.aside)
                tried.discard(rename.line.sql)
        after = read(connection)


def _attempt(
    connection: Connection, statements: Sequence[DraftStatement], catalog: Catalog
) -> tuple[list[DraftLine], list[tuple[DraftStatement, Refusal]]]:
    done: list[DraftLine] = []
    pending: list[DraftStatement] = []
    refusals: dict[int, Refusal] = {}
    for phase in PHASES:
        if phase != DROP_FOREIGN_KEYS or pending:
            pending += [statement for statement in statements if statement.phase == phase]
            pending = _run_until_stuck(connection, pending, done, refusals, catalog)
    refused = [(statement, refusals[id(statement)]) for statement in pending]
    return done, [(statement, error) for statement, error in refused if statement.phase != DROP_FOREIGN_KEYS]


def _run_until_stuck(
    connection: Connection,
    pending: list[DraftStatement],
    done: list[DraftLine],
    refusals: dict[int, Refusal],
    catalog: Catalog,
) -> list[DraftStatement]:
    while True:
        left: list[DraftStatement] = []
        for statement in pending:
            attempt, refusal = _first_that_works(connection, statement)
            if attempt:
                done += _lines(statement, attempt)
            else:
                refusals[id(statement)] = refusal
                left.append(statement)
        if len(left) == len(pending):
            decided = _decide(connection, left, refusals, done, catalog)
            if not decided:
                return left
            left = [statement for statement in left if id(statement) not in decided]
        pending = left


def _lines(statement: DraftStatement, attempt: Attempt) -> list[DraftLine]:
    line = DraftLine(attempt.sql, statement.mark, statement.note, statement.key, attempt.choices)
    if not attempt.check:
        return [line]
    check = replace(line, sql=attempt.check, note=f"{CHECKED} {statement.note}")
    return [check, replace(line, note="", choices=())]


def _first_that_works(connection: Connection, statement: DraftStatement) -> tuple[Attempt | None, Refusal]:
    """Other ways are tried only where PostgreSQL does not know this one, never to get around rows."""
    first: Refusal | None = None
    for attempt in statement.attempts:
        refusal = _try(connection, attempt)
        if refusal is None:
            return attempt, NO_REFUSAL
        if refusal.about_rows:
            return None, replace(refusal, attempt=attempt)
        first = first or refusal
    return None, first or NO_REFUSAL


def _decide(
    connection: Connection,
    stuck: Sequence[DraftStatement],
    refusals: dict[int, Refusal],
    done: list[DraftLine],
    catalog: Catalog,
) -> set[int]:
    """Go past what only rows stand in the way of; what becomes of them is a decision.

    All of them are explained before any table is emptied, so that each names its own rows.
    """
    by_rows = [statement for statement in stuck if refusals[id(statement)].attempt is not None]
    explained = {
        id(statement): explain(connection, statement, refusals[id(statement)], catalog)
        for statement in by_rows
    }
    decided: set[int] = set()
    for statement in by_rows:
        tables = tables_in_the_way(statement, refusals[id(statement)].table, catalog)
        with suppress(Error), connection.transaction():
            for table in tables:
                connection.execute(f"TRUNCATE TABLE {table} CASCADE".encode())
            attempt, _ = _first_that_works(connection, statement)
            if attempt is None:
                raise Rollback
            note, choices = explained[id(statement)]
            line, *others = _lines(statement, replace(attempt, choices=choices or attempt.choices))
            done += [replace(line, mark=DECIDE, note=f"{note} {line.note}", empties=tables), *others]
            decided.add(id(statement))
    return decided


def _try(connection: Connection, attempt: Attempt) -> Refusal | None:
    """Run it and return None; or roll it back and return PostgreSQL's error."""
    try:
        with connection.transaction():
            for sql in filter(None, (attempt.check, attempt.sql)):
                connection.execute(sql.encode(), binary=True)
    except Error as error:
        return Refusal.of(error)
    return None
