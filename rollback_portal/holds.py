"""Code and database are not moved at the same time: whoever starts first has the other one wait.

A lock for the length of one short transaction: in it a wing looks whether the other one has something under
way, and starts its own. Two that start at the same moment look one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

LOCK = 7_140_301  # any number that nothing else here uses


@contextmanager
def moment() -> Iterator[None]:
    """Look and start here; the lock goes with the transaction."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield
