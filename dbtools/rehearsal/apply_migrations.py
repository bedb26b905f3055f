"""Applies migrations as Prisma does: each script as one batch, on one connection, in Prisma's schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from dbtools.postgres import client
from dbtools.postgres.client import SQL, Connection, Error, Identifier, Target, Unreachable, harmless
from dbtools.postgres.programs import Stopped
from dbtools.rehearsal.request import Migration
from dbtools.sql import LIMITS, NotSql
from dbtools.sql.isolated import split

# What a batch cannot hold and Prisma from 7.4 on sends alone: CONCURRENTLY, or the use of a new enum value.
ALONE = {"25001", "55P04"}


class NotReplayed(Exception):
    """A migration did not apply; `str()` names it and says why."""


def apply(
    where: Target, migrations: Sequence[Migration], schema: str, *, stop: Callable[[], bool] = lambda: False
) -> None:
    """Apply them all, in their order.

    Raises:
        NotReplayed: one of them failed.
        programs.Stopped: `stop` said so.
    """
    try:
        with client.connect(
            where, "rehearsal", autocommit=True, settings=("client_min_messages=error",)
        ) as connection:
            enter(connection, schema)
            for migration in migrations:
                if stop():
                    raise Stopped
                _apply(connection, migration)
    except Unreachable as error:
        raise NotReplayed(str(error)) from None
    except Error as error:
        raise NotReplayed(harmless(str(error), where)) from None


def enter(connection: Connection, schema: str) -> None:
    """Prisma makes the schema of its address where there is none, and looks in it alone."""
    connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(schema)))
    connection.execute(SQL("SET search_path = {}").format(Identifier(schema)))


def _apply(connection: Connection, migration: Migration) -> None:
    try:
        _batch(connection, migration.sql)
    except Error as error:
        if error.sqlstate not in ALONE or not _one_by_one(connection, migration):
            said = " ".join(str(error).split())
            raise NotReplayed(f"{migration.name} does not apply: {said}") from None
    if connection.info.transaction_status != client.IDLE:
        connection.execute("ROLLBACK")
        raise NotReplayed(f"{migration.name} leaves its own transaction open.")


def _batch(connection: Connection, text: str) -> None:
    """As one simple query, which PostgreSQL runs as one transaction where the text has none of its own."""
    connection.execute(text.encode())


def _one_by_one(connection: Connection, migration: Migration) -> bool:
    """Each statement by itself. The batch has left nothing behind, unless it had a transaction of its own."""
    try:
        found = split(migration.sql, most=LIMITS.statements)
    except NotSql:
        return False
    if any(part.kind == "TransactionStmt" for part in found):
        return False
    for part in found:
        try:
            connection.execute(part.text.encode())
        except Error as error:
            raise NotReplayed(f"{migration.name} does not apply: {' '.join(str(error).split())}") from None
    return True


def put_back(where: Target, schema: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Put history rows back as they stood."""
    query = SQL(
        "INSERT INTO {0}._prisma_migrations"
        " SELECT * FROM jsonb_populate_record(NULL::{0}._prisma_migrations, %s::jsonb)"
    ).format(Identifier(schema))
    with client.connect(where, "rehearsal", autocommit=True) as connection:
        for row in rows:
            connection.execute(query, [json.dumps(dict(row))])
