"""Mutual exclusion: code and database are never changed at the same time.

An app holds the lock for one short transaction, in which it checks that the other app has no job under way
and starts its own. So two starts at the same moment check one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

LOCK = 7_140_301  # any number that nothing else here uses


@contextmanager
def exclusive_start() -> Iterator[None]:
    """Check and start inside. The lock is released when the transaction ends."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield
