"""How fresh the portal's rows of one provider are, and what stands in the way of fresher ones."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Value

from deployments.providers.base import NotAllowed

AMBER, RED = timedelta(seconds=60), timedelta(minutes=5)


class ProviderStatus(models.Model):
    """The last time a provider was read with success, and the error since, if any.

    `retry_at` is when the next question is allowed, by the provider (Retry-After) or by our own circuit;
    until then nothing but an operation asks. `opened_at` is set while the circuit is open; `results` counts
    how questions ended, by outcome, for ever.
    """

    provider = models.CharField(max_length=10, primary_key=True)
    synced_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    retry_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(
        default=0, db_default=0, help_text="In a row, since `first_failed_at`."
    )
    first_failed_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    results = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    lease_until = models.DateTimeField(null=True, help_text="Somebody is reading it now.")

    def __str__(self) -> str:
        return f"{self.provider}, read at {self.synced_at}"

    @property
    def key_refused(self) -> bool:
        """The provider answers, but not to our key: a person has to change it."""
        return NotAllowed.SAYS in self.error

    def tone(self, now: datetime) -> str:
        """ "good" only for fresh rows; unknown is never good."""
        if self.synced_at is None or now - self.synced_at > RED:
            return "bad"
        if self.error or now - self.synced_at > AMBER:
            return "warn"
        return "good"
