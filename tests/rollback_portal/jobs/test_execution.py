"""Executing one row: only if it is due, only by one living process, and not during a shutdown."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deployments.models import Change
from rollback_portal.jobs import execution
from rollback_portal.jobs.execution import execute
from rollback_portal.jobs.lease import Lease, LeaseLost
from rollback_portal.jobs.process import shutdown
from rollback_portal.jobs.process.liveness import liveness_lock
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queued_change() -> Change:
    return factories.change(factories.service())


@pytest.fixture
def notified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []
    monkeypatch.setattr(execution, "notify_dispatchers", lambda: calls.append("notified"))
    return calls


def run(change: Change, work: Callable[[Lease[Change]], bool]) -> bool:
    return execute(Change.objects.all(), change.pk, work)


def must_not_work(lease: Lease[Change]) -> bool:
    raise AssertionError(f"{lease.row} was worked on")


@pytest.mark.parametrize("more", [True, False])
def test_the_work_gets_the_claimed_row_and_says_whether_more_is_due(
    queued_change: Change, more: bool
) -> None:
    rows: list[Change] = []

    def work(lease: Lease[Change]) -> bool:
        rows.append(lease.row)
        return more

    assert run(queued_change, work) is more
    assert rows == [queued_change]
    assert rows[0].lease_owner is not None


def test_a_row_that_another_worker_has_leased_is_left_alone(queued_change: Change) -> None:
    Change.objects.update(lease_until=factories.ago(seconds=-30))
    assert not run(queued_change, must_not_work)


def test_a_row_whose_lock_a_living_process_holds_is_reported_and_left_alone(queued_change: Change) -> None:
    locked: list[int] = []
    with liveness_lock(f"deployments.change:{queued_change.pk}") as taken:
        assert taken
        assert not execute(Change.objects.all(), queued_change.pk, must_not_work, when_locked=locked.append)
    assert locked == [queued_change.pk]


def test_the_lock_is_free_again_after_the_work(queued_change: Change) -> None:
    run(queued_change, lambda lease: False)
    with liveness_lock(f"deployments.change:{queued_change.pk}") as taken:
        assert taken


def test_a_lease_that_is_lost_ends_the_work_quietly(queued_change: Change, notified: list[str]) -> None:
    def work(lease: Lease[Change]) -> bool:
        raise LeaseLost

    assert not run(queued_change, work)
    assert notified == []


def test_a_process_that_was_asked_to_stop_takes_no_row(
    queued_change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutdown, "requested", lambda within=0.0: True)
    assert not run(queued_change, must_not_work)
    queued_change.refresh_from_db()
    assert queued_change.lease_owner is None


def test_a_process_that_is_asked_to_stop_while_it_works_wakes_the_dispatchers(
    queued_change: Change, notified: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(lease: Lease[Change]) -> bool:
        monkeypatch.setattr(shutdown, "requested", lambda within=0.0: True)
        return False

    run(queued_change, work)
    assert notified == ["notified"]
