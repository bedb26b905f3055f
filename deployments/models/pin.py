"""A pin: after a rollback, automatic deployments stay off until somebody leaves the rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from rollback_portal.jobs import clock

if TYPE_CHECKING:
    from deployments.models.operation import Change
    from deployments.models.service import Service


class PinQuerySet(models.QuerySet["Pin"]):
    def standing(self) -> PinQuerySet:
        """Pins that nobody has released yet; a service has at most one."""
        return self.filter(released_at=None)

    def stand(self, service: Service, *, auto_deploy_before: str, pinned_by: str, **fields: Any) -> Pin:
        """Pin a service. A pin that stands already is replaced.

        The setting to restore is the one from before the first rollback of the chain. Only a setting that was
        really read as on (`auto_deploy_before`) begins a new chain.
        """
        now, older = clock.now(), self.filter(service=service).standing().first()
        if older is not None:
            older.released_at, older.released_by = now, pinned_by
            older.save(update_fields=["released_at", "released_by"])
            if auto_deploy_before in {"", "off"}:
                auto_deploy_before = older.auto_deploy_before
        return self.create(
            service=service,
            replaces=older,
            pinned_by=pinned_by,
            auto_deploy_before=auto_deploy_before,
            **{"pinned_at": now, **fields},
        )

    def stand_for(self, change: Change) -> Pin:
        """The pin of a change, made now unless it had one already, standing or released."""
        return self.filter(change=change).first() or self.stand(
            change.service,
            change=change,
            deployment=change.to_deployment,
            rolled_back_from=change.from_deployment,
            pinned_by=change.operation.requested_by_name,
            reason=change.operation.why,
            incident=change.operation.incident,
            auto_deploy_before=change.auto_deploy_before,
        )


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
    auto_deploy_before = models.CharField(max_length=100, blank=True)
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
