"""Which rows are due, and which of several dispatchers and workers gets one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from deployments.models import Change
from rollback_portal.jobs import queue
from tests import factories

pytestmark = pytest.mark.django_db


def waiting_change(**fields: Any) -> Change:
    return factories.change(factories.service(), **fields)


def due() -> list[int]:
    return queue.due(Change)


def test_a_new_row_is_due_and_one_that_has_ended_is_not() -> None:
    change = waiting_change()
    waiting_change(status="failed", ended_at=timezone.now())
    assert due() == [change.pk]


def test_a_row_is_due_again_when_its_lease_is_over() -> None:
    change = waiting_change(lease_owner=uuid4(), lease_until=factories.ago(seconds=-30))
    assert due() == []
    Change.objects.update(lease_until=factories.ago(seconds=1))
    assert due() == [change.pk]


def test_a_row_that_was_handed_back_is_due_from_its_time_on() -> None:
    change = waiting_change(not_before=factories.ago(seconds=-30))
    assert due() == []
    Change.objects.update(not_before=factories.ago(seconds=1))
    assert due() == [change.pk]


def test_a_published_row_is_published_again_after_two_seconds() -> None:
    change = waiting_change()
    assert [pk for pk, _ in queue.take_due(Change, 10)] == [change.pk]
    assert queue.take_due(Change, 10) == []
    Change.objects.update(published_at=timezone.now() - queue.REPUBLISH_AFTER - timedelta(seconds=1))
    assert [pk for pk, _ in queue.take_due(Change, 10)] == [change.pk]


def test_no_more_rows_are_taken_than_asked_for_and_unpublished_ones_come_first() -> None:
    first, second = waiting_change(published_at=factories.ago(minutes=1)), waiting_change()
    assert [pk for pk, _ in queue.take_due(Change, 1)] == [second.pk]
    assert [pk for pk, _ in queue.take_due(Change, 1)] == [first.pk]


def test_a_taken_row_comes_with_how_long_it_has_waited() -> None:
    reached = factories.ago(seconds=90)
    waiting_change(status_times={"queued": reached.isoformat()})
    ((_, waited),) = queue.take_due(Change, 10)
    assert waited >= timedelta(seconds=90)


@pytest.mark.django_db(transaction=True)
def test_rows_that_another_dispatcher_is_taking_are_skipped() -> None:
    first, second = waiting_change(), waiting_change()
    other = connection.copy()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("SELECT id FROM deployments_change WHERE id = %s FOR UPDATE", [first.pk])
    try:
        with transaction.atomic():
            assert [pk for pk, _ in queue.take_due(Change, 10)] == [second.pk]
    finally:
        other.close()


def test_a_row_is_claimed_once() -> None:
    change = waiting_change()
    claimed = queue.claim(Change.objects.all(), change.pk)
    assert claimed is not None
    assert claimed.lease_owner is not None
    assert queue.claim(Change.objects.all(), change.pk) is None


def test_a_claim_lasts_for_the_configured_lease(settings: Any) -> None:
    settings.LEASE_SECONDS = 3600
    claimed = queue.claim(Change.objects.all(), waiting_change().pk)
    assert claimed is not None
    assert claimed.lease_until is not None
    assert claimed.lease_until > timezone.now() + timedelta(seconds=3000)


def test_a_row_that_is_not_due_cannot_be_claimed() -> None:
    ended = waiting_change(status="failed", ended_at=timezone.now())
    assert queue.claim(Change.objects.all(), ended.pk) is None
