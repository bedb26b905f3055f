"""The time of day that all processes share: the database server's.

Leases, waits and limits are written by one machine and compared by another, and the clock of either may be
wrong. `time.monotonic` remains the measure of how long something takes within one process.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.db.models import Expression
from django.db.models.functions import Now


def now() -> datetime:
    """The server's time, by a query of its own.

    Raises:
        DatabaseError: PostgreSQL cannot be reached.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        (at,) = cursor.fetchone()
    return at  # type: ignore[no-any-return]


def within_statement() -> Expression:
    """The server's time for a condition or a value: nothing can happen between asking for it and using it."""
    return Now()
