"""psycopg, with connections that give up on a PostgreSQL that takes what is sent and never answers.

A server that is frozen (a stopped machine, a dead disk) keeps its sockets open, so neither a time-out of
TCP nor one of PostgreSQL's own ever comes: without a limit here, each page would wait for ever.
"""

from __future__ import annotations

from typing import TypeVar

import psycopg
from psycopg import (
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


class Connection(psycopg.Connection[TupleRow]):
    """Waits `patience` seconds for the answer to one statement; None waits for ever."""

    patience: float | None = float(env.number("DATABASE_PATIENCE", 5))

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """As psycopg's own; our limit holds where the caller has none.

        Raises:
            OperationalError: no answer came. The connection is closed; what was sent may still be done.
        """
        if timeout is not None or self.patience is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()
            raise OperationalError(f"PostgreSQL has not answered for {self.patience:g} s") from None


connect = Connection.connect

__all__ = [
    "Connection",
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "connect",
]
