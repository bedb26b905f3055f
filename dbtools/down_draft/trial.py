"""Tries statements in a transaction that is rolled back, to find out which work and in which order.

PostgreSQL determines the order: a statement that it refuses now may work after the others. For what remains
refused, the next round plans a rougher statement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from dbtools.down_draft.draft import DraftLine
from dbtools.down_draft.renames import renames
from dbtools.down_draft.statements import (
    CHANGE,
    DROP_FOREIGN_KEYS,
    MOST_FAILURES,
    PHASES,
    DraftStatement,
    plan_statements,
)
from dbtools.postgres.catalog import Catalog, read
from dbtools.postgres.client import Connection, Error
from rollback_portal.text import one_line

ROUNDS = 10


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
            done, refused = _attempt(connection, statements)
            failed.update({statement.key for statement, _ in refused})
            errors = tuple(error for _, error in refused)
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
            if _try(connection, rename.line.sql) == "":
                lines.append(rename.line)
            elif rename.aside and _try(connection, rename.aside.sql) == "":
                lines.append(rename.aside)
                tried.discard(rename.line.sql)
        after = read(connection)


def _attempt(
    connection: Connection, statements: Sequence[DraftStatement]
) -> tuple[list[DraftLine], list[tuple[DraftStatement, str]]]:
    done: list[DraftLine] = []
    pending: list[tuple[DraftStatement, str]] = []
    for phase in PHASES:
        if phase != DROP_FOREIGN_KEYS or pending:
            pending += [(statement, "") for statement in statements if statement.phase == phase]
            pending = _run_until_stuck(connection, pending, done)
    return done, [(statement, error) for statement, error in pending if statement.phase != DROP_FOREIGN_KEYS]


def _run_until_stuck(
    connection: Connection, pending: list[tuple[DraftStatement, str]], done: list[DraftLine]
) -> list[tuple[DraftStatement, str]]:
    while True:
        left: list[tuple[DraftStatement, str]] = []
        for statement, _ in pending:
            sql, error = _first_that_works(connection, statement)
            if sql:
                done.append(DraftLine(sql, statement.mark, statement.note, statement.key))
            else:
                left.append((statement, error))
        if len(left) == len(pending):
            return left
        pending = left


def _first_that_works(connection: Connection, statement: DraftStatement) -> tuple[str, str]:
    first = ""
    for sql in (statement.sql, *statement.variants):
        error = _try(connection, sql)
        if not error:
            return sql, ""
        first = first or error
    return "", first


def _try(connection: Connection, sql: str) -> str:
    """Run it and return ""; or roll it back and return PostgreSQL's error."""
    try:
        with connection.transaction():
            connection.execute(sql.encode(), binary=True)
    except Error as error:
        return one_line(error) or type(error).__name__
    return ""
