"""How far a provider's metrics of one service have been read, and what is missing."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class MetricReading(models.Model):
    """One part of a service's metrics: `traffic` (requests, p95) or `resources` (all the rest).

    Read up to `read_until`, last at `read_at`; `failures` in a row since, last at `failed_at` with `error`.
    An `error` without failures is what the provider does not give for this service. What is between
    `gap_from` and `gap_to` is still to be read, as after an outage. Nobody asks again before `due_at`.
    """

    class MetricGroup(models.TextChoices):
        TRAFFIC = "traffic"
        RESOURCES = "resources"

    service = models.ForeignKey("Service", models.CASCADE, related_name="metric_readings")
    part = models.CharField(max_length=9, choices=MetricGroup)
    due_at = models.DateTimeField()
    read_until = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    gap_from = models.DateTimeField(null=True)
    gap_to = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    failed_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["service", "part"], name="one_reading_of_a_part"),
            models.CheckConstraint(
                condition=Q(gap_from=None, gap_to=None) | Q(gap_from__isnull=False, gap_to__isnull=False),
                name="a_gap_has_two_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.part} of {self.service_id} until {self.read_until}"
