"""Applies migrations as Prisma does: each script as one batch, on one connection, in Prisma's schema.

Reference: https://www.prisma.io/docs/orm/prisma-migrate (verified with Prisma 6 and 7 in `tests/prisma`)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from dbtools.postgres import client
from dbtools.postgres.client import (
    SQL,
    Connection,
    DatabaseAddress,
    DatabaseUnreachable,
    Error,
    Identifier,
    redact,
)
from dbtools.postgres.programs import ProgramStopped
from dbtools.postgres.scratch import ScratchServer
from dbtools.postgres.scratch.extensions import tolerate_existing
from dbtools.postgres.scratch.missing import MOST_ROLES, in_words, made_role
from dbtools.rehearsal.request import MigrationSql
from dbtools.sql import LIMITS, InvalidSql
from dbtools.sql.isolated import replayable, split
from rollback_portal.text import one_line

# Errors of statements that cannot run in a batch, which Prisma sends separately since 7.4: CONCURRENTLY
# (active_sql_transaction), and the use of a new enum value (unsafe_new_enum_value_usage).
NEEDS_OWN_TRANSACTION = {"25001", "55P04"}


class MigrationFailed(Exception):
    """A migration could not be applied; `str()` names it and gives the reason."""


def apply(
    address: DatabaseAddress,
    migrations: Sequence[MigrationSql],
    schema: str,
    *,
    scratch: ScratchServer | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Apply the migrations in the given order.

    Args:
        scratch: the server, on which roles that a migration names are made where that may be.

    Raises:
        MigrationFailed: one of them failed.
        programs.ProgramStopped: `stop` returned true.
    """
    try:
        with client.connect(
            address, "rehearsal", autocommit=True, settings=("client_min_messages=error",)
        ) as connection:
            use_schema(connection, schema)
            for migration in migrations:
                if stop():
                    raise ProgramStopped
                _apply_with_roles(connection, migration, scratch)
    except DatabaseUnreachable as error:
        raise MigrationFailed(str(error)) from None
    except Error as error:
        raise MigrationFailed(redact(str(error), address)) from None


def use_schema(connection: Connection, schema: str) -> None:
    """Like Prisma, create the schema of the address if necessary, and use only that."""
    connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(schema)))
    connection.execute(SQL("SET search_path = {}").format(Identifier(schema)))


def _apply_with_roles(connection: Connection, migration: MigrationSql, scratch: ScratchServer | None) -> None:
    """Apply it without what it does to roles and to the server."""
    try:
        text = tolerate_existing(replayable(migration.sql)) if scratch else migration.sql
    except InvalidSql as error:
        raise MigrationFailed(f"{migration.name} does not apply: {error}") from None
    for _ in range(MOST_ROLES):
        try:
            return _apply(connection, replace(migration, sql=text))
        except MigrationFailed as error:
            if connection.info.transaction_status != client.IDLE:
                connection.execute("ROLLBACK")
            if scratch is None or not made_role(scratch, str(error)):
                raise MigrationFailed(in_words(str(error)) if scratch else str(error)) from None
    raise MigrationFailed(f"{migration.name} names more than {MOST_ROLES} roles that are not there.")


def _apply(connection: Connection, migration: MigrationSql) -> None:
    try:
        _batch(connection, migration.sql)
    except Error as error:
        if error.sqlstate not in NEEDS_OWN_TRANSACTION or not _one_by_one(connection, migration):
            message = one_line(error)
            raise MigrationFailed(f"{migration.name} does not apply: {message}") from None
    if connection.info.transaction_status != client.IDLE:
        connection.execute("ROLLBACK")
        raise MigrationFailed(f"{migration.name} leaves its own transaction open.")


def _batch(connection: Connection, text: str) -> None:
    """Run the text as one simple query, which is one transaction unless it has transactions of its own."""
    connection.execute(text.encode())


def _one_by_one(connection: Connection, migration: MigrationSql) -> bool:
    """Run each statement separately: the failed batch changed nothing unless it had its own transactions."""
    try:
        statements = split(migration.sql, limit=LIMITS.statements)
    except InvalidSql:
        return False
    if any(part.kind == "TransactionStmt" for part in statements):
        return False
    for part in statements:
        try:
            connection.execute(part.text.encode())
        except Error as error:
            raise MigrationFailed(f"{migration.name} does not apply: {one_line(error)}") from None
    return True


def restore_history_rows(address: DatabaseAddress, schema: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert deleted history rows again, exactly as they were."""
    query = SQL(
        "INSERT INTO {0}._prisma_migrations"
        " SELECT * FROM jsonb_populate_record(NULL::{0}._prisma_migrations, %s::jsonb)"
    ).format(Identifier(schema))
    with client.connect(address, "rehearsal", autocommit=True) as connection:
        for row in rows:
            connection.execute(query, [json.dumps(dict(row))])
