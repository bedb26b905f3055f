"""A pin: after a rollback, automatic deployments stay off until somebody leaves the rollback."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class PinQuerySet(models.QuerySet["Pin"]):
    def standing(self) -> PinQuerySet:
        """Pins that nobody has released yet; a service has at most one."""
        return self.filter(released_at=None)


class Pin(models.Model):
    """Who pinned a service, when and why, and what its automatic deployments were set to before.

    A pin set outside the portal has no change; `pinned_by` is then the actor that the provider names.
    """

    service = models.ForeignKey("Service", models.CASCADE, related_name="pins")
    change = models.ForeignKey("Change", models.PROTECT, null=True, related_name="+")
    replaces = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    deployment = models.ForeignKey("Deployment", models.SET_NULL, null=True, related_name="+")
    rolled_back_from = models.ForeignKey("Deployment", models.SET_NULL, null=True, related_name="+")
    pinned_at = models.DateTimeField()
    pinned_by = models.CharField(max_length=200)
    reason = models.TextField(blank=True)
    incident = models.CharField(max_length=100, blank=True)
    auto_deploy_before = models.CharField(max_length=20, blank=True)
    released_at = models.DateTimeField(null=True)
    released_by = models.CharField(max_length=200, blank=True)

    objects = PinQuerySet.as_manager()

    class Meta:
        ordering = ["-pinned_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["service"], condition=Q(released_at__isnull=True), name="one_standing_pin_per_service"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service} pinned by {self.pinned_by}"

    @property
    def outside(self) -> bool:
        return self.change_id is None
