"""Who is at work, and whose turn it is: kept in PostgreSQL, so that it holds while Redis is away."""

from __future__ import annotations

from django.db import models


class Heartbeat(models.Model):
    """A process that works on operations, and when it was last known to be alive."""

    process = models.CharField(max_length=120, primary_key=True)
    role = models.CharField(max_length=20)
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.role} {self.process} at {self.beat_at}"


class Schedule(models.Model):
    """When a recurring task is due next. Any number of dispatchers share the rows; one takes each turn."""

    task = models.CharField(max_length=80, primary_key=True)
    due_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.task} at {self.due_at}"
