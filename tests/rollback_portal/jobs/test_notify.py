"""NOTIFY wakes a listener when the transaction commits, and not before."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from rollback_portal.jobs.notify import Listener, listening, notify_dispatchers
from rollback_portal.jobs.process import liveness

pytestmark = pytest.mark.django_db(transaction=True)


def received(listener: Listener, seconds: float) -> bool:
    raw = listener.connection.connection
    return any(True for _ in raw.notifies(timeout=seconds, stop_after=1))


def test_a_listener_hears_of_a_job_when_its_transaction_commits() -> None:
    with listening() as listener:
        assert listener is not None
        with transaction.atomic():
            notify_dispatchers()
            assert not received(listener, 0.05)
        assert received(listener, 20)


def test_a_transaction_that_is_rolled_back_wakes_nobody() -> None:
    with listening() as listener:
        assert listener is not None
        with transaction.atomic():
            notify_dispatchers()
            transaction.set_rollback(True)
        assert not received(listener, 0.05)


def test_a_wait_returns_without_a_notification_too() -> None:
    with listening() as listener:
        assert listener is not None
        listener.wait(0.01)


def test_a_lost_connection_is_an_error_of_the_database() -> None:
    with listening() as listener:
        assert listener is not None
        pid = listener.connection.connection.info.backend_pid
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        with pytest.raises(DatabaseError):
            listener.wait(20)


def test_without_postgresql_there_is_no_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise DatabaseError("away")

    monkeypatch.setattr(liveness, "open_direct", away)
    with listening() as listener:
        assert listener is None
