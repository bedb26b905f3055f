"""Backups of databases, and restores of them into new databases."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from dbtools.models.database import Database
from dbtools.models.document_field import document
from rollback_portal.jobs.models import LeasedRow


class Backup(models.Model):
    """A file of `pg_dump -Fc` that was verified by reading it back. `file` is its name in BACKUP_FOLDER."""

    database = models.ForeignKey(Database, models.PROTECT, related_name="backups")
    file = models.CharField(max_length=200, unique=True)
    sha256 = models.CharField(max_length=64)
    bytes = models.BigIntegerField()
    seconds = models.FloatField()
    rows = document(dict[str, int], help_text="Number of rows of each table in the backup's snapshot.")
    server_version = models.CharField(max_length=40)
    program_version = models.CharField(max_length=40)
    taken_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-taken_at"]

    def __str__(self) -> str:
        return f"backup of {self.database} of {self.taken_at:%b %d, %H:%M} UTC"

    @property
    def kept_until(self) -> datetime:
        """When its file may be deleted."""
        return self.taken_at + timedelta(days=settings.BACKUP_DAYS)


class Restore(LeasedRow):
    """A restore of a backup into a new database; the original database is not touched."""

    WORKER_STATUSES = ("queued", "restoring")
    TRANSITIONS = {
        "queued": frozenset({"restoring", "failed"}),
        "restoring": frozenset({"done", "failed"}),
        "done": frozenset(),
        "failed": frozenset(),
    }

    backup = models.ForeignKey(Backup, models.PROTECT, related_name="restores")
    release = models.OneToOneField("dbtools.BackupRelease", models.PROTECT, null=True, related_name="restore")
    name = models.CharField(max_length=63, help_text="Name of the new database.")
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
