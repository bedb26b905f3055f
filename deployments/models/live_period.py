"""When a deployment went live. It stays live until the start of the service's next period."""

from __future__ import annotations

from django.db import models


class LivePeriod(models.Model):
    """The start of one period of being live. A deployment that is rolled back to gets another one."""

    service = models.ForeignKey("Service", models.CASCADE, related_name="live_periods")
    deployment = models.ForeignKey("Deployment", models.CASCADE, related_name="live_periods")
    since = models.DateTimeField()

    class Meta:
        ordering = ["since", "id"]
        constraints = [models.UniqueConstraint(fields=["service", "since"], name="one_beginning_at_a_time")]

    def __str__(self) -> str:
        return f"{self.deployment} since {self.since}"
