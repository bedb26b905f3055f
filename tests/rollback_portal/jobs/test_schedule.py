"""A recurring task is published once for each time that it is due, however many dispatchers there are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from rollback_portal.jobs.models import Schedule
from rollback_portal.jobs.schedule import RecurringTask, take_turn
from tests import factories

SYNC = RecurringTask("sync", "sync", timedelta(hours=1))
DISPATCHERS = 4


@pytest.mark.django_db
def test_a_new_task_is_due_at_once_and_then_not_until_its_time_is_over() -> None:
    assert [take_turn(SYNC), take_turn(SYNC)] == [True, False]
    Schedule.objects.update(due_at=factories.ago(seconds=1))
    assert [take_turn(SYNC), take_turn(SYNC)] == [True, False]


@pytest.mark.django_db
def test_turns_that_were_missed_are_not_made_up() -> None:
    Schedule.objects.create(task="sync", due_at=factories.ago(days=3))
    assert [take_turn(SYNC), take_turn(SYNC)] == [True, False]


@pytest.mark.django_db
def test_tasks_have_turns_of_their_own() -> None:
    assert take_turn(SYNC)
    assert take_turn(RecurringTask("versions", "versions", timedelta(hours=1)))


@pytest.mark.django_db(transaction=True)
def test_of_dispatchers_that_ask_at_the_same_moment_one_takes_the_turn() -> None:
    together = Barrier(DISPATCHERS)

    def ask(_: int) -> bool:
        try:
            together.wait(60)
            return take_turn(SYNC)
        finally:
            connection.close()

    with ThreadPoolExecutor(DISPATCHERS) as pool:
        assert sorted(pool.map(ask, range(DISPATCHERS))) == [False, False, False, True]
