"""What a provider's public status page said last."""

from __future__ import annotations

from django.db import models
from django.db.models import Value


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
