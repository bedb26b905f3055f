"""The liveness lock: a session-level advisory lock that lasts exactly as long as the process that took it.

A lease alone cannot tell a dead worker from a frozen one. A dead worker has lost its connection and thereby
this lock. A frozen worker still holds it, and then no other worker may act in its place.

Reference: https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from rollback_portal.jobs.process import shutdown
from rollback_portal.settings import database

log = logging.getLogger(__name__)

TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
RETRY_EVERY = 2.0  # seconds between two attempts to reach PostgreSQL at the start


class PoolerDetected(Exception):
    """The connection goes through a transaction pooler, where a session lock proves nothing."""


@contextmanager
def liveness_lock(name: str) -> Iterator[bool]:
    """Hold the lock of this name. Yields False if another living process holds it."""
    connection = open_direct()
    try:
        with connection.cursor() as cursor:
            cursor.execute(TRY_LOCK, [name])
            (taken,) = cursor.fetchone()
        yield bool(taken)
    finally:
        connection.close()


def open_direct() -> BaseDatabaseWrapper:
    """A new connection to PostgreSQL that bypasses pools and poolers."""
    connection = connections["default"].copy()
    if settings.DIRECT_DATABASE_URL:
        connection.settings_dict.update(database(settings.DIRECT_DATABASE_URL))
    connection.settings_dict["OPTIONS"].pop("pool", None)
    return connection


def wait_until_supported() -> None:
    """Return once session locks are known to work, or when a shutdown is requested.

    Workers and dispatchers call it first. While PostgreSQL is away it waits.

    Raises:
        PoolerDetected: session locks do not work; the process must not start.
    """
    while not shutdown.requested():
        try:
            return refuse_pooler()
        except DatabaseError as error:
            log.warning("PostgreSQL is unavailable (%s); work starts when it is back", str(error).strip())
            shutdown.requested(within=RETRY_EVERY)
    return None


def refuse_pooler() -> None:
    """Check that a session keeps its PostgreSQL backend between two transactions.

    Raises:
        PoolerDetected: it does not.
        DatabaseError: PostgreSQL cannot be reached, so it is not known.
    """
    first, second = open_direct(), open_direct()
    try:
        first.ensure_connection()
        second.ensure_connection()
        if not _keeps_its_session(first, second):
            raise PoolerDetected(_sentence("a setting of the session was gone at the next statement"))
    finally:
        first.close()
        second.close()


def _keeps_its_session(ours: BaseDatabaseWrapper, theirs: BaseDatabaseWrapper) -> bool:
    """Whether a session setting is still there after another session has begun a transaction."""
    token = secrets.token_hex(8)
    try:
        with ours.cursor() as mine, theirs.cursor() as other:
            mine.execute("SELECT set_config('portal.session', %s, false)", [token])
            other.execute("BEGIN")
            other.execute("SELECT pg_backend_pid()")
            mine.execute("SELECT current_setting('portal.session', true)")
            (kept,) = mine.fetchone()
            other.execute("ROLLBACK")
    except DatabaseError as error:
        raise PoolerDetected(_sentence(str(error).strip())) from error
    return bool(kept == token)


def _sentence(why: str) -> str:
    return (
        "The database connection goes through a transaction pooler, where a session lock proves nothing "
        f"({why}). Set DIRECT_DATABASE_URL to PostgreSQL itself. Nothing was started."
    )
