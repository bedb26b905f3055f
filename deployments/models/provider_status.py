"""How fresh the rows of one provider are, the state of its circuit breaker, and what its status page says."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Value

from deployments.providers.base import NotAllowed

WARN_AFTER, BAD_AFTER = timedelta(seconds=60), timedelta(minutes=5)


class ProviderStatus(models.Model):
    """How old the data of one provider is, and the error since then, if any.

    `synced_at` is the age of the oldest data of its services, without those that fail by themselves: each of
    them keeps its own error. `services_error` says why the list of services could not be read.
    Until `retry_at`, set by the provider's Retry-After or by our circuit breaker, only operations ask it.
    `opened_at` is set while the circuit is open. `results` counts requests by outcome and is never reset.
    """

    provider = models.CharField(max_length=10, primary_key=True)
    synced_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    services_error = models.TextField(blank=True, default="", db_default="")
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
        """The provider answers but refuses our API key: a person has to replace it."""
        return NotAllowed.SAYS in self.error

    def tone(self, now: datetime) -> str:
        """ "good", "warn" or "bad". Only fresh rows are good; unknown is bad."""
        if self.synced_at is None or now - self.synced_at > BAD_AFTER:
            return "bad"
        if self.error or now - self.synced_at > WARN_AFTER:
            return "warn"
        return "good"


class StatusFeed(models.Model):
    """The open incidents as of `read_at`; a page that does not answer changes only `failed_at`, `error`.

    `incidents` are `StatusIncident` as JSON, the oldest first.
    """

    provider = models.CharField(max_length=10, primary_key=True)
    incidents = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    read_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="", db_default="")

    def __str__(self) -> str:
        return f"{self.provider}, read at {self.read_at}"
