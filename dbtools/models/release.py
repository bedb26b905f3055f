"""A person's request to take a backup's data out, which a second person approves."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from dbtools.models.rollback import APPROVAL_LASTS, DatabaseRollback
from rollback_portal.jobs.state_machine import Stateful


class BackupRelease(Stateful):
    """One download of a rollback's backup, or one restore of it into a new database.

    PostgreSQL enforces that nobody approves their own, that at most one of each kind is open, and the
    transitions below: what was used once cannot be used again. `digest` covers what was approved.
    """

    TRANSITIONS = {
        "requested": frozenset({"approved", "declined"}),
        "approved": frozenset({"used", "declined"}),
        "used": frozenset(),
        "declined": frozenset(),
    }

    rollback = models.ForeignKey(DatabaseRollback, models.PROTECT, related_name="releases")
    kind = models.CharField(max_length=10)
    name = models.CharField(max_length=63, blank=True, help_text="Name of the new database of a restore.")
    reason = models.TextField()
    status = models.CharField(max_length=10, default="requested")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    requested_by_name = models.CharField(max_length=200)
    requested_at = models.DateTimeField(db_default=Now())
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    approved_by_name = models.CharField(max_length=200, blank=True)
    approved_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    digest = models.CharField(max_length=64, blank=True, help_text="Digest of everything that was approved.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["rollback", "kind"],
                condition=Q(status__in=["requested", "approved"]),
                name="one_open_release_of_each_kind",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=models.F("requested_by")),
                name="nobody_approves_their_own_release",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["download", "restore"]), name="release_kind_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of the backup of database rollback {self.rollback_id} ({self.status})"

    @property
    def expires_at(self) -> datetime | None:
        """When the approval ends; None while there is none."""
        return self.approved_at + APPROVAL_LASTS if self.approved_at else None
