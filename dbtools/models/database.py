"""The configured databases on which migrations can be rolled back."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from dbtools.models.document_field import document
from dbtools.models.documents import DatabaseFacts


class Database(models.Model):
    """One configured database, and what a worker read from it last. Its address is never stored.

    `error` says why it could not be read; `facts` are then those of `read_at`.
    """

    name = models.SlugField(max_length=120, unique=True)
    environment = models.CharField(max_length=60)
    services = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    missing_since = models.DateTimeField(null=True, help_text="When it disappeared from the configuration.")
    facts = document(DatabaseFacts, help_text="Server version, size and migrations, as of `read_at`.")
    read_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
