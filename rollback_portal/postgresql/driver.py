"""psycopg with connections that time out when PostgreSQL hangs.

A frozen server (a stopped machine, a dead disk) keeps its sockets open, so neither TCP nor PostgreSQL itself
ever times out. Without a timeout on our side every page would hang.
"""

from __future__ import annotations

from typing import TypeVar

import psycopg
from psycopg import (
    Binary,
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from psycopg.abc import PQGen
from psycopg.rows import TupleRow

from rollback_portal import env

T = TypeVar("T")


class PortalConnection(psycopg.Connection[TupleRow]):
    """Waits `patience` seconds for the answer to a statement; None waits for ever."""

    patience: float | None = float(env.number("DATABASE_PATIENCE", 5))

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """As psycopg's own, with `patience` as the timeout if the caller gives none.

        Raises:
            OperationalError: no answer came. The connection is closed; the statement may still be executed.
        """
        if timeout is not None or self.patience is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()
            raise OperationalError(f"PostgreSQL has not answered for {self.patience:g} s") from None


connect = PortalConnection.connect

__all__ = [
    "Binary",
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "PortalConnection",
    "ProgrammingError",
    "connect",
]
