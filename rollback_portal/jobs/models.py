"""The job engine's tables: leased rows (abstract), heartbeats, and the schedule of recurring tasks."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from rollback_portal.jobs import clock
from rollback_portal.jobs.state_machine import Stateful


class LeasedRow(Stateful):
    """A row that is a job: its status says what to do next, its lease says which worker does it.

    In `WORKER_STATUSES` it waits for a worker, otherwise for a person or for nothing. `status_times` maps
    each status to the ISO 8601 time at which it was last reached. `IDENTIFIERS` names the columns whose text
    would name something else if it was cut.
    """

    WORKER_STATUSES: ClassVar[tuple[str, ...]]
    IDENTIFIERS: ClassVar[tuple[str, ...]] = ()

    status_times = models.JSONField(default=dict, help_text="When each status was reached last.")
    lease_owner = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    published_at = models.DateTimeField(null=True, help_text="When the dispatcher published it last.")
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.CharField(max_length=200, blank=True)

    class Meta:
        abstract = True

    @property
    def waits_for_worker(self) -> bool:
        return self.status in self.WORKER_STATUSES

    @property
    def due_since(self) -> datetime:
        """Since when it has been due, for a row that no worker holds."""
        reached = self.status_times.get(self.status)
        times = (datetime.fromisoformat(reached) if reached else None, self.not_before, self.lease_until)
        known = [at for at in times if at is not None]
        return max(known) if known else clock.now()

    @classmethod
    def due_condition(cls) -> Q:
        """Waiting for a worker, not before `not_before`, and under no lease that is still valid."""
        now = clock.within_statement()
        free = Q(lease_until=None) | Q(lease_until__lt=now)
        return free & (Q(not_before=None) | Q(not_before__lte=now)) & Q(status__in=cls.WORKER_STATUSES)

    def times_with(self, status: str, now: datetime) -> dict[str, str]:
        """`status_times` for a row that reaches `status` at `now`."""
        return {**self.status_times, status: now.isoformat()}


class Heartbeat(models.Model):
    """When a worker or dispatcher process last said that it is alive."""

    process = models.CharField(max_length=120, primary_key=True)
    role = models.CharField(max_length=20)
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.role} {self.process} at {self.beat_at}"


class Schedule(models.Model):
    """When a recurring task is due next. All dispatchers share the row; one of them takes each turn."""

    task = models.CharField(max_length=80, primary_key=True)
    due_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.task} at {self.due_at}"
