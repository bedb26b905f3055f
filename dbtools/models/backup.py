"""A backup that was taken, read back and kept; and a restore of one into a new database."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from dbtools.models.database import Database
from rollback_portal.jobs.models import LeasedRow


class Backup(models.Model):
    """One file of `pg_dump -Fc`, proven by reading it back whole. `file` is its name in the backup folder."""

    database = models.ForeignKey(Database, models.PROTECT, related_name="backups")
    file = models.CharField(max_length=200, unique=True)
    sha256 = models.CharField(max_length=64)
    bytes = models.BigIntegerField()
    seconds = models.FloatField()
    rows = models.JSONField(default=dict, help_text="Rows of each table in the backup's own snapshot.")
    server_version = models.CharField(max_length=40)
    program_version = models.CharField(max_length=40)
    taken_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-taken_at"]

    def __str__(self) -> str:
        return f"backup of {self.database} of {self.taken_at:%b %d, %H:%M} UTC"

    @property
    def kept_until(self) -> object:
        return self.taken_at + timedelta(days=settings.BACKUP_DAYS)


class Restore(LeasedRow):
    """A backup put into a new database, beside the one it was taken of."""

    WORKER_STATUSES = ("queued", "restoring")
    TRANSITIONS = {
        "queued": frozenset({"restoring", "failed"}),
        "restoring": frozenset({"done", "failed"}),
        "done": frozenset(),
        "failed": frozenset(),
    }

    backup = models.ForeignKey(Backup, models.PROTECT, related_name="restores")
    name = models.CharField(max_length=63, help_text="Of the new database.")
    status = models.CharField(max_length=10, default="queued")
    message = models.TextField(blank=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    requested_by_name = models.CharField(max_length=200)
    requested_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["backup"],
                condition=Q(status__in=["queued", "restoring"]),
                name="one_active_restore_per_backup",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "restoring", "done", "failed"]),
                name="restore_status_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"restore into {self.name} ({self.status})"
