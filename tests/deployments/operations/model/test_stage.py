"""The stage itself: no generated run affects the next, however it ended."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from deployments.models import Change
from tests.deployments.operations.model.stage import Stage


def break_in_sql(stage: Stage) -> None:
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")


def break_before_the_rollback(stage: Stage) -> None:
    """A signal just before Django rolls back: Django then refuses every query."""
    transaction.set_rollback(True)


@pytest.mark.parametrize("breaks", [break_in_sql, break_before_the_rollback])
def test_a_life_that_broke_off_in_a_transaction_does_not_spoil_the_next(stage: Stage, breaks: Any) -> None:
    stage.begin()
    stage.confirm(stage.open_dialog("shop-api"), uuid4())
    breaks(stage)

    stage.begin()

    assert not Change.objects.exists()


def test_every_life_begins_at_the_same_time_with_the_same_state(stage: Stage) -> None:
    stage.begin()
    first = stage.wire.sandbox.world.to_json()
    stage.roll_back_in_dashboard("shop-web")
    stage.advance(100)

    stage.begin()

    assert stage.wire.sandbox.world.to_json() == first
    assert stage.clock.passed == stage.moment
