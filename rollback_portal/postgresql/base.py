"""The database backend that Django loads: its PostgreSQL backend on connections with a timeout."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from django.db.backends.postgresql import base
from django.db.backends.postgresql.schema import DatabaseSchemaEditor

from rollback_portal.postgresql import driver

LOCK_TIMEOUT = "5s"  # of migrations: longer would block pages and workers


class SchemaEditor(DatabaseSchemaEditor):
    """A migration may run as long as it needs, but waits for its locks only briefly.

    While it waits, pages and workers that need the same table queue behind it. A migration that gives up has
    changed nothing and can be started again.
    """

    def __enter__(self) -> Self:
        super().__enter__()
        if not self.collect_sql:
            self.connection.ensure_connection()
            self.connection.connection.patience = None
            if self.atomic_migration:
                self.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            super().__exit__(exc_type, exc_value, traceback)
        finally:
            if self.connection.connection is not None and not self.collect_sql:
                self.connection.connection.patience = driver.PortalConnection.patience


class DatabaseWrapper(base.DatabaseWrapper):
    Database = driver
    SchemaEditorClass = SchemaEditor
