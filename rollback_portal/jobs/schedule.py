"""Recurring tasks, each published by one of the dispatchers whenever it is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rollback_portal.jobs import clock
from rollback_portal.jobs.models import Schedule


@dataclass(frozen=True)
class RecurringTask:
    """A Celery task without arguments, and how often it runs."""

    name: str
    task: Any
    every: timedelta


def take_turn(recurring: RecurringTask) -> bool:
    """True if the task is due and this process publishes it; only one of several dispatchers does."""
    now = clock.now()
    Schedule.objects.get_or_create(task=recurring.name, defaults={"due_at": now})
    due = Schedule.objects.filter(task=recurring.name, due_at__lte=now)
    return bool(due.update(due_at=now + recurring.every))
