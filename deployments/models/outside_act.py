"""An act in the provider's own records: a rollback, a deployment that went live, a changed setting."""

from __future__ import annotations

from django.db import models


class ActKind(models.TextChoices):
    WENT_LIVE = "went_live", "deployment went live"
    ROLLED_BACK = "rolled_back", "rollback"
    PROMOTED = "promoted", "promotion"
    DOMAINS = "domains", "domains moved"
    AUTO_DEPLOY = "auto_deploy", "automatic deploys changed"
    ENVIRONMENT = "environment", "environment variables changed"
    SERVICE = "service", "service changed"


class OutsideAct(models.Model):
    """One act, stored so that it is reported only once, and never if the portal did it.

    `identity` comes from the provider's state (a deployment, a move of the domains), `event_id` from its
    events; either may be learned first. `target` is a deployment's id, or the setting afterwards; `before` is
    the setting before. `change` is the portal's own change that did it. `pin` is the pin that it led to.
    """

    service = models.ForeignKey("Service", models.CASCADE, related_name="outside_acts")
    kind = models.CharField(max_length=20, choices=ActKind)
    identity = models.CharField(max_length=400)
    event_id = models.CharField(max_length=100, null=True)  # noqa: DJ001 - unique where it is known
    target = models.CharField(max_length=100, blank=True)
    before = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=100, blank=True)
    actor = models.CharField(max_length=200, blank=True)
    happened_at = models.DateTimeField(null=True)
    learned_at = models.DateTimeField()
    change = models.ForeignKey("Change", models.PROTECT, null=True, related_name="+")
    pin = models.ForeignKey("Pin", models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["service", "identity"], name="one_act_per_identity"),
            models.UniqueConstraint(fields=["service", "event_id"], name="one_act_per_event"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.target}".strip()
