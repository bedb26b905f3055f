"""The audit entry. PostgreSQL refuses to change or delete one (migration 0002)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce, Now


class Outcome(models.TextChoices):
    ASKED = "asked", "requested"
    STEP = "step", "on the way"
    DONE = "done", "done"
    REFUSED = "refused", "refused"
    FAILED = "failed", "failed"
    UNCLEAR = "unclear", "unclear"


class AuditEntry(models.Model):
    """One act, as a sentence with its data, stored in the same transaction as the act itself.

    `at` is when the entry was written. An act outside the portal has happened before it was learned:
    `happened_at` is then its own time, as the provider gives it. `time` is used for ordering.
    """

    at = models.DateTimeField(db_default=Now(), editable=False)
    happened_at = models.DateTimeField(null=True)
    time = models.GeneratedField(
        expression=Coalesce("happened_at", "at"), output_field=models.DateTimeField(), db_persist=True
    )
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    actor_name = models.CharField(max_length=200)
    role = models.CharField(max_length=40)
    action = models.CharField(max_length=60)
    outcome = models.CharField(max_length=10, choices=Outcome)
    subject = models.CharField(max_length=200)
    message = models.TextField()
    operation = models.UUIDField(null=True, db_index=True)
    reason = models.TextField(blank=True)
    incident = models.CharField(max_length=100, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    provider_request_id = models.CharField(max_length=200, blank=True)
    address = models.GenericIPAddressField(null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["at"]),
            models.Index(fields=["-time", "-id"], name="audit_time"),
            models.Index(fields=["actor_name", "-id"]),
            models.Index(fields=["action", "-id"]),
            models.Index(fields=["subject", "-id"]),
            models.Index(fields=["incident", "-id"], condition=~models.Q(incident=""), name="audit_incident"),
        ]

    def __str__(self) -> str:
        return self.message
