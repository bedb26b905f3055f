"""A database that the wizard may work on, as the configuration names it."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Database(models.Model):
    """One configured database, and what a worker saw of it last. Its address never stands here.

    `facts` is what was read at `read_at`: server version, size, how many migrations are applied, the newest,
    an unfinished one; `error` says why it could not be read.
    """

    name = models.SlugField(max_length=120, unique=True)
    environment = models.CharField(max_length=60)
    services = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    missing_since = models.DateTimeField(null=True, help_text="When it was taken out of the configuration.")
    facts = models.JSONField(default=dict)
    read_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
