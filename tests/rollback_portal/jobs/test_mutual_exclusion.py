"""Two starts at the same moment check one after the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from rollback_portal.jobs.models import Schedule
from rollback_portal.jobs.mutual_exclusion import LOCK, exclusive_start
from rollback_portal.processes.supervised import wait_until
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def start(name: str) -> int:
    """Start a job in a session of its own; how many others it has seen."""
    try:
        with exclusive_start():
            others = Schedule.objects.count()
            Schedule.objects.create(task=name, due_at=factories.ago())
            return others
    finally:
        connection.close()


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [LOCK],
        )
        return bool(cursor.fetchone()[0])


def test_the_second_start_waits_and_sees_what_the_first_has_started() -> None:
    with ThreadPoolExecutor(1) as pool:
        with exclusive_start():
            second = pool.submit(start, "database")
            assert wait_until(somebody_waits, 60)
            Schedule.objects.create(task="code", due_at=factories.ago())
        assert second.result(60) == 1


def test_a_start_that_fails_leaves_nothing_and_lets_the_next_one_check() -> None:
    def fail() -> None:
        with exclusive_start():
            Schedule.objects.create(task="code", due_at=factories.ago())
            raise RuntimeError("refused")

    with pytest.raises(RuntimeError, match="refused"):
        fail()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(start, "database").result(60) == 0


def test_the_lock_is_kept_until_the_surrounding_transaction_ends() -> None:
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            with exclusive_start():
                Schedule.objects.create(task="code", due_at=factories.ago())
            second = pool.submit(start, "database")
            assert wait_until(somebody_waits, 60)
        assert second.result(60) == 1
