"""Code and database are never moved at the same time: whoever starts first makes the other one wait.

The lock lasts for one short transaction, in which an app looks whether the other app has something under way
and starts its own job. Two apps that start at the same moment look one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

LOCK = 7_140_301  # any number that nothing else here uses


@contextmanager
def exclusive_start() -> Iterator[None]:
    """Look and start inside; the lock ends with the transaction."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield
