"""What was measured of a service: each point as it was read, and the same by five minutes."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

POINTS_KEPT, ROLLUPS_KEPT = timedelta(hours=48), timedelta(days=30)


class MetricSource(models.TextChoices):
    """Who measured: the provider counts every request, the portal only those that it sends itself."""

    PROVIDER = "provider", "measured by the provider"
    PROBE = "probe", "measured by the portal"


class MetricValues(models.Model):
    """What was measured of one service in the bucket that begins at `at`.

    NULL is "no data" and never 0. `errors` are the requests that were answered with 5xx (of the portal's own
    requests: all that failed). CPU (in cores) and memory (in bytes) are the mean of the instances.
    """

    pk = models.CompositePrimaryKey("service", "source", "at")
    service = models.ForeignKey("deployments.Service", models.CASCADE, db_index=False, related_name="+")
    source = models.CharField(max_length=8, choices=MetricSource)
    at = models.DateTimeField()
    requests = models.FloatField(null=True)
    errors = models.FloatField(null=True)
    p50_ms = models.FloatField(null=True)
    p95_ms = models.FloatField(null=True)
    cpu = models.FloatField(null=True)
    memory = models.FloatField(null=True)
    instances = models.FloatField(null=True)

    class Meta:
        abstract = True
        indexes = [BrinIndex(fields=["at"], name="%(class)s_by_time", autosummarize=True)]
        constraints = [
            models.CheckConstraint(
                condition=Q(source__in=MetricSource.values), name="%(class)s_source_is_known"
            ),
            models.CheckConstraint(
                condition=Q(errors=None)
                | Q(errors__gte=0, errors__lte=F("requests"), requests__isnull=False),
                name="%(class)s_errors_are_requests",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} {self.source} {self.at}"


class MetricPoint(MetricValues):
    """At the resolution read: 30 s from a provider, 15 s by the portal. Kept for `POINTS_KEPT`."""


class MetricRollup(MetricValues):
    """By five minutes. Kept for `ROLLUPS_KEPT`."""
