"""When the errors of a service began, and whether a deployment is to blame."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from deployments.analysis.blame import BlameKind

HOLDS = timedelta(minutes=2)  # after which nobody knows whether it is still so


class ServiceBlame(models.Model):
    """What was found last for one service, only while its errors are up; a worker writes it, pages read it.

    `deployment` is the one that is named to blame, or None.
    """

    service = models.OneToOneField("Service", models.CASCADE, primary_key=True, related_name="blame")
    kind = models.CharField(max_length=40)
    sentence = models.TextField()
    began_at = models.DateTimeField(null=True)
    deployment = models.ForeignKey("Deployment", models.SET_NULL, null=True, related_name="+")
    judged_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=[kind.value for kind in BlameKind]), name="blame_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(deployment=None)
                | Q(kind=BlameKind.AFTER_DEPLOYMENT.value, began_at__isnull=False),
                name="only_what_fits_is_blamed",
            ),
        ]

    def __str__(self) -> str:
        return self.sentence

    def holds(self, now: datetime) -> bool:
        return now - self.judged_at <= HOLDS
