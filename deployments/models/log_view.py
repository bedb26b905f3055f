"""What somebody looks at of a provider's log, and the lines of it that the portal holds for them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

LOOKED_AT_FOR = timedelta(seconds=30)  # after the last wish, a view is no longer read
MOST_LINES = 500  # of one view
LONGEST_MESSAGE = 2_000  # characters
LONGEST_FILTER = 100  # characters
KINDS = ("app", "request", "build")
LEVELS = ("error", "warning", "info", "debug")


class LogView(models.Model):
    """A wish: somebody looks at the log of a service, or of one operation's change, through these filters.

    While `wanted_at` is fresh a worker reads the provider's log for it, and `read_at` is when it last could.
    `tried_at` is also the claim of the worker that reads it. `instances_before` are the instances that had
    written before the change (Render), by which those of its own deployment are told apart; null: not asked.
    `narrowed` says whether the lines are those instances' alone. `more` says that the provider has more lines
    of this time than the portal holds.
    """

    service = models.ForeignKey("Service", models.CASCADE, related_name="log_views")
    change = models.ForeignKey("Change", models.CASCADE, null=True, related_name="log_views")
    kind = models.CharField(max_length=10, blank=True)
    level = models.CharField(max_length=10, blank=True)
    text = models.CharField(max_length=LONGEST_FILTER, blank=True)
    wanted_since = models.DateTimeField()
    wanted_at = models.DateTimeField(db_index=True)
    tried_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    more = models.BooleanField(default=False)
    narrowed = models.BooleanField(null=True)
    instances_before = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["service", "kind", "level", "text"],
                condition=Q(change=None),
                name="one_log_view_per_service",
            ),
            models.UniqueConstraint(
                fields=["change", "kind", "level", "text"],
                condition=Q(change__isnull=False),
                name="one_log_view_per_change",
            ),
        ]

    def __str__(self) -> str:
        return f"the log of {self.service}, wanted at {self.wanted_at}"

    def waits_since(self, now: datetime) -> timedelta | None:
        """For how long somebody has looked without any reading; None where there has been one."""
        return None if self.read_at or self.error else now - self.wanted_since


class LogEntry(models.Model):
    """One line as it is shown: masked, on plain text, and cut. Nothing of a line is stored before that."""

    view = models.ForeignKey(LogView, models.CASCADE, related_name="entries")
    line_id = models.CharField(max_length=64)
    at = models.DateTimeField()
    kind = models.CharField(max_length=10)
    level = models.CharField(max_length=10)
    source = models.CharField(max_length=100, blank=True)
    message = models.CharField(max_length=LONGEST_MESSAGE)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["view", "line_id"], name="one_entry_per_line"),
            models.CheckConstraint(condition=Q(level__in=LEVELS), name="log_entry_level_is_known"),
            models.CheckConstraint(condition=Q(kind__in=KINDS), name="log_entry_kind_is_known"),
        ]
        indexes = [models.Index(fields=["view", "-at", "-id"])]

    def __str__(self) -> str:
        return f"{self.at} {self.level} {self.message[:80]}"

    @property
    def is_error(self) -> bool:
        return self.level == "error"
