"""When a deployment began to stand in front of users. The next one's beginning is its end."""

from __future__ import annotations

from django.db import models


class LivePeriod(models.Model):
    """One beginning. A deployment that is rolled back to begins again."""

    service = models.ForeignKey("Service", models.CASCADE, related_name="servings")
    deployment = models.ForeignKey("Deployment", models.CASCADE, related_name="servings")
    since = models.DateTimeField()

    class Meta:
        ordering = ["since", "id"]
        constraints = [models.UniqueConstraint(fields=["service", "since"], name="one_beginning_at_a_time")]

    def __str__(self) -> str:
        return f"{self.deployment} since {self.since}"
