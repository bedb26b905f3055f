"""Proof of life: a session lock in PostgreSQL that lives exactly as long as the process that took it.

A lease alone cannot tell a dead worker from a frozen one. A worker that died has lost its connection, and
with it this lock; a worker that is only frozen still holds it, and then nobody may act in its place.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from rollback_portal.settings import database

TAKE = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"


class Pooled(Exception):
    """The connection goes through a transaction pooler, where a session lock proves nothing."""


@contextmanager
def of_life(pk: int) -> Iterator[bool]:
    """Hold the lock of one change. Yields False where a living process holds it already."""
    connection = open_direct()
    try:
        with connection.cursor() as cursor:
            cursor.execute(TAKE, [f"change:{pk}"])
            (taken,) = cursor.fetchone()
        yield bool(taken)
    finally:
        connection.close()


def open_direct() -> BaseDatabaseWrapper:
    """A connection of its own to PostgreSQL, outside every pool."""
    connection = connections["default"].copy()
    if settings.DIRECT_DATABASE_URL:
        connection.settings_dict.update(database(settings.DIRECT_DATABASE_URL))
    connection.settings_dict["OPTIONS"].pop("pool", None)
    return connection


def refuse_pooler() -> None:
    """Find out whether a session of ours stays with one PostgreSQL process.

    Raises:
        Pooled: it does not; neither worker nor dispatcher may start.
    """
    first, second = open_direct(), open_direct()
    token = secrets.token_hex(8)
    try:
        with first.cursor() as mine, second.cursor() as other:
            mine.execute("SELECT set_config('portal.session', %s, false)", [token])
            other.execute("BEGIN")
            other.execute("SELECT pg_backend_pid()")
            mine.execute("SELECT current_setting('portal.session', true)")
            (kept,) = mine.fetchone()
            other.execute("ROLLBACK")
    except DatabaseError as error:
        raise Pooled(_sentence(str(error).strip())) from error
    finally:
        first.close()
        second.close()
    if kept != token:
        raise Pooled(_sentence("a setting of the session was gone at the next statement"))


def _sentence(why: str) -> str:
    return (
        "The database connection goes through a transaction pooler, where a session lock proves nothing "
        f"({why}). Set DIRECT_DATABASE_URL to PostgreSQL itself. Nothing was started."
    )
