"""Upgrades: this version works on the tables of the next one and meets statuses that it does not know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import OperationalError, connection, migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.test import Client
from django.utils import timezone

from deployments.models import Change
from deployments.operations import requests
from deployments.operations import worker as change_worker
from deployments.operations.stalled import give_up_on_stalled_worker
from rollback_portal.jobs import queue
from rollback_portal.postgresql import base
from rollback_portal.postgresql.driver import PortalConnection
from rollback_portal.processes.supervised import wait_until
from tests.deployments.conftest import Portal
from tests.deployments.real_processes import PATIENCE, processes, says

TOMORROW = migrations.AddField("change", "tomorrow", models.IntegerField(db_default=7))


def apply(operation: Operation) -> None:
    """Run one more migration, as `migrate` would."""
    before = ProjectState.from_apps(apps)
    after = before.clone()
    operation.state_forwards("deployments", after)
    with connection.schema_editor(atomic=True) as editor:
        operation.database_forwards("deployments", editor, before, after)


@contextmanager
def column_dropped_afterwards() -> Iterator[None]:
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE deployments_change DROP COLUMN IF EXISTS tomorrow")


@pytest.mark.django_db(transaction=True)
def test_an_operation_goes_on_while_the_next_version_migrates_and_after_it(
    portal: Portal, tmp_path: Path
) -> None:
    portal.world.pace = replace(portal.world.pace, release=3.0)
    with processes(tmp_path, portal.sandbox) as started, column_dropped_afterwards():
        worker = started.worker()
        started.dispatcher()
        says(worker, " ready.")
        first = portal.ask(portal.api, portal.candidate(portal.api))
        now = Change.objects.filter(pk=first.pk)
        assert wait_until(now.filter(status="accepted").exists, PATIENCE, pause=0.02)

        apply(TOMORROW)
        assert now.get().active
        second = portal.ask(portal.web, portal.candidate(portal.web))

        ended = Change.objects.filter(status="succeeded")
        assert wait_until(lambda: ended.count() == 2, PATIENCE), [
            change.message for change in Change.objects.all()
        ]
        assert len(portal.posts()) == 2
        assert "Traceback" not in worker.log.read_text()
        with connection.cursor() as cursor:
            cursor.execute("SELECT tomorrow FROM deployments_change WHERE id = %s", [second.pk])
            assert cursor.fetchone() == (7,)


@pytest.mark.django_db(transaction=True)
def test_a_migration_that_cannot_get_its_lock_gives_up_and_blocks_nobody(
    portal: Portal, monkeypatch: Any
) -> None:
    """Queries behind a waiting migration wait with it: here for 0.3 s, in production for 5 s."""
    monkeypatch.setattr(base, "LOCK_TIMEOUT", "300ms")
    reader = connection.copy()
    try:
        reader.set_autocommit(False)
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM deployments_change")
        with pytest.raises(OperationalError, match="lock timeout"):
            apply(TOMORROW)
    finally:
        reader.close()

    assert "tomorrow" not in columns()
    assert portal.roll_back("render").status == "succeeded"


def columns() -> set[str]:
    with connection.cursor() as cursor:
        return {
            column.name
            for column in connection.introspection.get_table_description(cursor, "deployments_change")
        }


@pytest.mark.django_db(transaction=True)
def test_a_migration_may_take_longer_than_a_page_waits(monkeypatch: Any) -> None:
    monkeypatch.setattr(PortalConnection, "patience", 0.2)
    connection.close()
    with connection.schema_editor() as editor:
        editor.execute("SELECT pg_sleep(0.5)")

    with (
        pytest.raises(OperationalError, match=r"PostgreSQL has not answered for 0\.2 s"),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_sleep(5)")

    connection.close()


# --- A row in a status that only the next version knows -----------------------------------------------------


@pytest.fixture
def from_tomorrow(portal: Portal) -> Change:
    """The next version's table, with a change in its new status, whose worker died."""
    change = portal.ask(portal.api, portal.candidate(portal.api))
    long_ago = timezone.now() - timedelta(minutes=5)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE deployments_change DROP CONSTRAINT change_status_is_known")
        cursor.execute("DROP TRIGGER change_transition_is_allowed ON deployments_change")
        cursor.execute("DROP INDEX one_active_change_per_service")
        cursor.execute(
            "UPDATE deployments_change SET status = 'canarying', lease_owner = %s, lease_until = %s",
            [uuid4(), long_ago],
        )
        cursor.execute(
            "CREATE UNIQUE INDEX one_active_change_per_service ON deployments_change (service_id) "
            "WHERE status NOT IN ('succeeded', 'failed', 'canceled', 'needs_attention')"
        )
    return Change.objects.get(pk=change.pk)


def test_a_status_that_only_the_next_version_knows_is_left_alone(
    portal: Portal, from_tomorrow: Change
) -> None:
    pk = from_tomorrow.pk
    assert queue.due(Change) == []
    assert queue.claim(Change.objects.all(), pk) is None
    assert change_worker.run(pk, seconds=5) is False
    assert give_up_on_stalled_worker(pk) is False
    assert not from_tomorrow.move("failed")

    now = Change.objects.get(pk=pk)
    assert (now.status, now.lease_owner, now.message) == (
        "canarying",
        from_tomorrow.lease_owner,
        from_tomorrow.message,
    )
    assert portal.posts() == []


def test_the_pages_of_this_version_show_it_and_call_it_neither_done_nor_failed(
    portal: Portal, from_tomorrow: Change, client_as: Callable[..., Client]
) -> None:
    client = client_as(portal.ana)
    for address in ("/", "/operations/", from_tomorrow.operation.get_absolute_url()):
        response = client.get(address)
        assert response.status_code == 200, address
        if address != "/":
            assert 'data-status="succeeded"' not in response.content.decode()


def test_nothing_else_is_started_on_its_service(portal: Portal, from_tomorrow: Change) -> None:
    with pytest.raises((requests.OperationUnderWay, requests.OperationRefused)):
        portal.ask(portal.api, portal.candidate(portal.api))
    assert Change.objects.count() == 1
