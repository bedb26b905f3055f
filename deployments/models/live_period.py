"""When a deployment went live, and how it did until the start of the service's next period."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


def share_is_one(requests: str, errors: str, source: str) -> Q:
    """Both numbers or none, no more errors than requests, and never without who measured them."""
    nothing = Q((requests, None), (errors, None))
    return nothing | (
        Q((f"{requests}__isnull", False), (f"{errors}__isnull", False))
        & Q((f"{errors}__gte", 0), (f"{errors}__lte", F(requests)))
        & ~Q((source, ""))
    )


def share_of(errors: float | None, requests: float | None) -> float | None:
    return errors / requests if requests and errors is not None else None


class LivePeriod(models.Model):
    """The start of one period of being live. A deployment that is rolled back to gets another one.

    Once it has ended, `errors` of `requests` failed in it, and `end_errors` of `end_requests` in its last
    half hour, as `source` measured; NULL is no data. They were counted at `counted_at`, up to `counted_to`.
    """

    service = models.ForeignKey("Service", models.CASCADE, related_name="live_periods")
    deployment = models.ForeignKey("Deployment", models.CASCADE, related_name="live_periods")
    since = models.DateTimeField()
    requests = models.FloatField(null=True)
    errors = models.FloatField(null=True)
    end_requests = models.FloatField(null=True)
    end_errors = models.FloatField(null=True)
    source = models.CharField(max_length=8, blank=True, default="", db_default="")
    counted_to = models.DateTimeField(null=True)
    counted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["since", "id"]
        constraints = [
            models.UniqueConstraint(fields=["service", "since"], name="one_beginning_at_a_time"),
            models.CheckConstraint(
                condition=share_is_one("requests", "errors", "source")
                & share_is_one("end_requests", "end_errors", "source"),
                name="period_errors_are_requests",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deployment} since {self.since}"
