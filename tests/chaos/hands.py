"""This process as the portal's reader, and what only somebody with the database's password can break."""

from __future__ import annotations

import logging
import os
import threading
import time

from tests.chaos.estate import Estate


def become_reader(estate: Estate) -> None:
    """This process plays the reading worker: the portal's own verbs on the same database, past every door."""
    os.environ.update(estate.environment)
    os.environ["REDIS_URL"] = ""  # it reads without a rate budget
    os.environ["PORTAL_TEST_QUEUE"] = estate.environment["REDIS_URL"]
    os.environ["DATABASE_POOL"] = "30"  # each person has one, and so has each click
    import django

    django.setup()
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # that PostgreSQL restarts is no news here


def wait_for_portal(estate: Estate) -> None:
    """Until the dispatchers have been heard of, and the workers, who say nothing without a queue."""
    from rollback_portal.jobs.models import Heartbeat

    wanted = len(estate.dispatchers) + (len(estate.workers) if estate.setting.queue else 0)
    deadline = time.monotonic() + 60
    while Heartbeat.objects.count() < wanted and time.monotonic() < deadline:
        time.sleep(0.2)
        for process in (*estate.workers, *estate.dispatchers):
            if not process.is_running:
                raise RuntimeError(f"{process.name} ended:\n{process.log_tail()}")


def drop_index() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX one_active_change_per_service")


def ring(pk: int) -> None:
    """What the usual set-up does after a click: publish, and hope."""
    from tests.chaos.bell import deliver

    deliver(pk)


def cut_locks() -> None:
    """End the sessions that prove somebody's life, and only those."""
    from django.db import DatabaseError, connection

    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    except DatabaseError:
        connection.close()


def storm(copies: int) -> None:
    """So many messages at once for everything that is active."""
    from django.db import DatabaseError, connection

    from deployments.models import Change
    from tests.chaos.bell import deliver

    try:
        active = list(Change.objects.active().values_list("pk", flat=True)[:16])
    except DatabaseError:
        connection.close()
        return

    def send() -> None:
        for pk in active * copies:
            if not deliver(pk):
                return

    threading.Thread(target=send, daemon=True).start()
