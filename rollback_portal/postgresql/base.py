"""What Django loads as the portal's database: its own backend on connections that give up."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from django.db.backends.postgresql import base
from django.db.backends.postgresql.schema import DatabaseSchemaEditor

from rollback_portal.postgresql import driver

LOCK_WAIT = "5s"  # for which a migration may hold up everybody who comes after it


class SchemaEditor(DatabaseSchemaEditor):
    """A migration may work for as long as it needs, but waits only briefly for its locks.

    Whoever wants the table after it queues behind it, pages and workers included. A migration that gives up
    has changed nothing and is simply started again.
    """

    def __enter__(self) -> Self:
        super().__enter__()
        if not self.collect_sql:
            self.connection.ensure_connection()
            self.connection.connection.patience = None
            if self.atomic_migration:
                self.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
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
                self.connection.connection.patience = driver.Connection.patience


class DatabaseWrapper(base.DatabaseWrapper):
    Database = driver
    SchemaEditorClass = SchemaEditor
