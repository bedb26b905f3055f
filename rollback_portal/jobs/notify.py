"""Wakes the dispatchers with PostgreSQL's NOTIFY, which is delivered when its transaction commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection

from rollback_portal.jobs.process import liveness

CHANNEL = "portal_jobs"


def notify_dispatchers() -> None:
    """Tell all dispatchers that a job is due, as soon as this transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {CHANNEL}")


class Listener:
    """A connection of its own that listens for notifications."""

    def __init__(self) -> None:
        self.connection = liveness.open_direct()
        with self.connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")

    def wait(self, seconds: float) -> None:
        """Return at the next notification, or after `seconds` without one.

        Raises:
            DatabaseError: the connection is lost; open another listener.
        """
        raw = self.connection.connection
        with self.connection.wrap_database_errors:
            for _ in raw.notifies(timeout=seconds, stop_after=1):
                return

    def close(self) -> None:
        self.connection.close()


@contextmanager
def listening() -> Iterator[Listener | None]:
    """A listener that is closed at the end; None if PostgreSQL is away."""
    try:
        listener = Listener()
    except DatabaseError:
        yield None
        return
    try:
        yield listener
    finally:
        listener.close()
