"""Connects this process to the portal's database, and breaks what takes direct access to it."""

from __future__ import annotations

import logging
import os
import threading
import time

from tests.chaos.processes import Processes


def connect_to_portal(processes: Processes) -> None:
    """Set up Django here on the run's database: this process syncs the providers and reads the rows."""
    os.environ.update(processes.environment)
    os.environ["REDIS_URL"] = ""  # it reads without rate limits
    os.environ["PORTAL_TEST_QUEUE"] = processes.environment["REDIS_URL"]
    os.environ["DATABASE_POOL"] = "30"  # one connection per person and one per click
    import django

    django.setup()
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # PostgreSQL restarts are expected here


def wait_for_portal(processes: Processes) -> None:
    """Wait for the heartbeats of all dispatchers and workers; workers write none without a queue."""
    from rollback_portal.jobs.models import Heartbeat

    wanted = len(processes.dispatchers) + (len(processes.workers) if processes.setting.queue else 0)
    deadline = time.monotonic() + 60
    while Heartbeat.objects.count() < wanted and time.monotonic() < deadline:
        time.sleep(0.2)
        for process in (*processes.workers, *processes.dispatchers):
            if not process.is_running:
                raise RuntimeError(f"{process.name} ended:\n{process.log_tail()}")


def drop_index() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX one_active_change_per_service")


def cut_locks() -> None:
    """Terminate only the sessions that hold liveness locks."""
    from django.db import DatabaseError, connection

    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    except DatabaseError:
        connection.close()


def storm(copies: int) -> None:
    """Publish this many messages at once for each active change."""
    from django.db import DatabaseError, connection

    from deployments.models import Change
    from tests.chaos.celery_messages import publish

    try:
        active = list(Change.objects.active().values_list("pk", flat=True)[:16])
    except DatabaseError:
        connection.close()
        return

    def send() -> None:
        for pk in active * copies:
            if not publish(pk):
                return

    threading.Thread(target=send, daemon=True).start()
