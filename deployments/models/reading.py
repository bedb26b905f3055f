"""How fresh the portal's rows of one provider are, and what stands in the way of fresher ones."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models

AMBER, RED = timedelta(seconds=60), timedelta(minutes=5)


class Reading(models.Model):
    """The last time a provider was read with success, and the error since, if any.

    `retry_at` is when the provider allows the next question (Retry-After); until then nothing but an
    operation asks.
    """

    provider = models.CharField(max_length=10, primary_key=True)
    read_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    retry_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True, help_text="Somebody is reading it now.")

    def __str__(self) -> str:
        return f"{self.provider}, read at {self.read_at}"

    def tone(self, now: datetime) -> str:
        """ "good" only for fresh rows; unknown is never good."""
        if self.read_at is None or now - self.read_at > RED:
            return "bad"
        if self.error or now - self.read_at > AMBER:
            return "warn"
        return "good"
