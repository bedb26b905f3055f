"""Lives that broke an invariant when a second order was taken for the only one, as the model found them."""

from __future__ import annotations

from uuid import uuid4

import pytest

from deployments.models import Change, Pin
from deployments.sandbox.server.faults import Fault
from tests.deployments.operations.model.invariants import check
from tests.deployments.operations.model.stage import Stage
from tests.deployments.operations.model.worker import Worker

BOTH = pytest.mark.parametrize("name", ["shop-api", "shop-web"])
LATEST = 44.0  # seconds until an order arrives; within the longest call and the settle time


def asked(stage: Stage, name: str) -> Change:
    stage.begin()
    return stage.confirm(stage.plans[name], uuid4())


def ended(stage: Stage, change: Change) -> Change:
    """Start workers until the change has ended; check every invariant on the way."""
    for _ in range(100):
        [row] = check(stage, [change.pk])
        if row.ended:
            stage.advance(LATEST)
            check(stage, [change.pk])
            return row
        Worker(stage, change.pk).continue_until()
        stage.advance(5)
    raise AssertionError(f"still {row.status}: {row.message}")


def until(stage: Stage, change: Change, status: str) -> Worker:
    """Return a worker stopped between two steps, just after the change has reached this status."""
    worker = Worker(stage, change.pk)
    while not worker.ended and Change.objects.get(pk=change.pk).status != status:
        worker.continue_until({"step"})
    return worker


@BOTH
def test_a_worker_that_dies_before_it_hands_over_leaves_the_settle_time_behind(
    stage: Stage, name: str
) -> None:
    change = asked(stage, name)
    stage.wire.next_is_late = LATEST
    until(stage, change, "unclear").die()
    stage.advance(16)  # its lease has run out, and the order is still on its way

    row = ended(stage, change)

    assert (row.status, row.resends, len(stage.wire.orders)) == ("succeeded", 0, 1), row.message


@BOTH
def test_an_order_of_a_worker_that_was_frozen_at_its_first_byte_is_not_taken_for_lost(
    stage: Stage, name: str
) -> None:
    change = asked(stage, name)
    worker = Worker(stage, change.pk)
    worker.continue_until({"bytes"})
    stage.advance(20)
    stage.wire.next_is_late = LATEST
    worker.continue_until()  # its call ends after its lease, so it may not save the result

    row = ended(stage, change)

    assert (row.status, row.resends, len(stage.wire.orders)) == ("succeeded", 0, 1), row.message


@pytest.mark.parametrize(
    "seconds", [0, 5]
)  # Vercel is still working and answers 409, or has finished and answers 422
def test_a_refused_second_order_is_read_back_because_the_first_may_have_arrived(
    stage: Stage, seconds: int
) -> None:
    change = asked(stage, "shop-web")
    stage.wire.next_is_late = LATEST + 20  # beyond the settle time
    until(stage, change, "unclear").continue_until()
    stage.advance(31)
    worker = until(stage, change, "queued")
    worker.continue_until({"bytes"})
    [(at, *_)] = stage.wire.late
    stage.advance(at - stage.clock.passed + seconds)
    worker.continue_until()

    row = ended(stage, change)

    assert (row.status, row.resends, len(stage.wire.orders)) == ("succeeded", 1, 1), row.message
    assert "refused the second time" in row.evidence
    assert Pin.objects.standing().get().change_id == change.pk


def test_a_second_order_that_is_refused_for_good_fails_in_the_words_of_the_provider(stage: Stage) -> None:
    change = asked(stage, "shop-web")
    stage.wire.sandbox.faults.add(Fault(on="*.rollback", do="drop_before"))
    until(stage, change, "unclear").continue_until()
    stage.wire.sandbox.faults.add(Fault(on="*.rollback", do="forbidden"))

    row = ended(stage, change)

    assert (row.status, row.resends, stage.wire.orders) == ("failed", 1, [])
    assert "(403)" in row.message
    assert "Nothing was put in front of users." in row.message
