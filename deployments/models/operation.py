"""An operation that a person requested, and its change to one service."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from deployments.providers.types import OrderRecord
from rollback_portal.jobs.models import LeasedRow


class Reason(models.TextChoices):
    """The reasons that the rollback plan allows."""

    ERRORS = "errors", "Error rate up"
    BROKEN = "broken", "Major feature broken"
    SECURITY = "security", "Security vulnerability"
    UNSTABLE = "unstable", "Unstable or unavailable"


class OperationKind(models.TextChoices):
    ROLL_BACK = "roll_back", "roll back"
    PROMOTE = "promote", "promote"
    LEAVE = "leave", "leave the rollback"


OPERATE = "deployments.operate"  # permissions, see Operation.Meta
ARRANGE = "deployments.arrange"


class Operation(models.Model):
    """What a person requested, and why. Its id is part of the page's address.

    `idempotency_key` is a hidden field of the confirm form, so that a form sent twice starts one operation.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    idempotency_key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=OperationKind)
    reason = models.CharField(max_length=10, choices=Reason, blank=True)
    reason_detail = models.TextField(blank=True, help_text="The reason in the person's own words.")
    incident = models.CharField(max_length=100, blank=True)
    marks_bad = models.BooleanField(
        null=True, help_text="Whether what it takes away is marked bad; unknown before there were marks."
    )
    incident_began_at = models.DateTimeField(null=True, help_text="As the link in an alert said.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="operations"
    )
    requested_by_name = models.CharField(max_length=200)
    requested_by_role = models.CharField(max_length=40)
    requested_at = models.DateTimeField(db_default=Now(), editable=False)
    plan = models.JSONField(default=dict)

    class Meta:
        ordering = ["-requested_at"]
        permissions = [
            ("operate", "Can roll back, promote and leave a rollback"),
            ("arrange", "Can choose which services are followed, and how"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=OperationKind.values), name="operation_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(kind=OperationKind.LEAVE) | Q(reason__in=Reason.values),
                name="operation_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, requested by {self.requested_by_name}"

    def get_absolute_url(self) -> str:
        return f"/operations/{self.pk}/"

    @property
    def why(self) -> str:
        """The reason as people read it: the chosen one, then the person's own words."""
        return ": ".join(part for part in (self.get_reason_display(), self.reason_detail) if part)

    @property
    def change(self) -> Change:
        """The first change; operations on code have one per service."""
        return self.changes.all()[0]


# Keys in `evidence` of a change that was carried out:
UNCHECKED = "not checked from outside"  # only the provider confirms it
FAILING = "errors from outside"  # users get the target, and too many of their requests fail
WITHOUT_PIN = "not pinned"  # somebody else put the target there first: what is left undone
TOOK_EFFECT_LATE = "took effect late"  # after its operation had ended, with any ending but success
SERVES_AND_FAILS = "serves_and_fails"
ACTIVE = ("queued", "clearing", "pinning", "sending", "unclear", "accepted", "serving", "restoring")


class ChangeQuerySet(models.QuerySet["Change"]):
    def active(self) -> ChangeQuerySet:
        return self.filter(status__in=ACTIVE)

    def shown(self) -> ChangeQuerySet:
        return self.select_related(
            "operation", "service", "service__live", "from_deployment", "to_deployment", "verdict"
        )


class Change(LeasedRow):
    """An operation's change to one service: from one deployment to another.

    A service has at most one active change; a unique index enforces it. `order_intent_at` is committed before
    the provider is called. A row in `sending` without a lease may therefore have been applied or not: it is
    looked up at the provider and never sent again blindly.
    """

    TRANSITIONS = {
        "queued": frozenset(
            {"clearing", "pinning", "sending", "unclear", "restoring", "succeeded", "failed", "canceled"}
        ),
        "clearing": frozenset({"queued", "restoring", "failed", "canceled", "needs_attention"}),
        "pinning": frozenset({"sending", "restoring", "failed", "needs_attention"}),
        "sending": frozenset(
            {"queued", "accepted", "unclear", "serving", "restoring", "failed", "needs_attention"}
        ),
        "unclear": frozenset({"queued", "accepted", "serving", "restoring", "failed", "needs_attention"}),
        "accepted": frozenset({"serving", "restoring", "failed", "needs_attention"}),
        "serving": frozenset({"restoring", "succeeded", "failed", "needs_attention"}),
        "restoring": frozenset({"succeeded", "failed", "canceled", "needs_attention"}),
        "succeeded": frozenset(),
        "failed": frozenset(),
        "canceled": frozenset(),
        "needs_attention": frozenset({"queued", "serving", "failed"}),
    }
    WORKER_STATUSES = ACTIVE
    IDENTIFIERS = ("provider_ref", "provider_request_id")
    INTENT_EXPIRES = timedelta(minutes=10)

    operation = models.ForeignKey(Operation, models.PROTECT, related_name="changes")
    service = models.ForeignKey("Service", models.PROTECT, related_name="changes")
    from_deployment = models.ForeignKey("Deployment", models.PROTECT, null=True, related_name="+")
    to_deployment = models.ForeignKey("Deployment", models.PROTECT, null=True, related_name="+")
    status = models.CharField(max_length=16, default="queued")

    resends = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Orders sent again after a read-back: at most one."
    )
    cancel_builds_first = models.BooleanField(
        default=False, db_default=False, help_text="First cancel the deployments that are being built."
    )

    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="Calls that are known not to have been applied."
    )
    order_intent_at = models.DateTimeField(
        null=True, help_text="When the intent to call the provider was committed."
    )
    order_record = models.JSONField(
        default=dict, help_text="What was asked, to recognise the provider's answer by."
    )
    provider_ref = models.CharField(max_length=80, blank=True)
    provider_status = models.CharField(max_length=80, blank=True)
    provider_request_id = models.CharField(max_length=200, blank=True)
    auto_deploy_before = models.CharField(max_length=100, blank=True)
    final_status = models.CharField(
        max_length=16, blank=True, help_text="How it ends once settings are restored."
    )
    message = models.TextField(blank=True)
    evidence = models.JSONField(default=dict)
    provider_answered_at = models.DateTimeField(
        null=True, help_text="When the provider last answered about it."
    )
    ended_at = models.DateTimeField(null=True)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["service"], condition=Q(status__in=ACTIVE), name="one_active_change_per_service"
            ),
            models.CheckConstraint(
                condition=Q(status__in=[*ACTIVE, "succeeded", "failed", "canceled", "needs_attention"]),
                name="change_status_is_known",
            ),
        ]
        indexes = [
            models.Index(fields=["service", "-id"]),
            models.Index(fields=["status"], condition=Q(status__in=ACTIVE), name="active_changes"),
        ]

    def __str__(self) -> str:
        return f"{self.operation.get_kind_display()} {self.service} ({self.status})"

    @property
    def ended(self) -> bool:
        return not self.active

    @property
    def active(self) -> bool:
        return self.status in ACTIVE

    @property
    def acted_at(self) -> datetime:
        """When the provider was about to be called; before that, when it was asked for."""
        return self.order_intent_at or self.operation.requested_at

    @property
    def moved_traffic(self) -> bool:
        """Whether its target was put in front of users, so that there is something to judge."""
        return (
            self.status == "succeeded"
            and self.to_deployment_id is not None
            and "serving" in self.status_times
        )

    @property
    def order(self) -> OrderRecord | None:
        """What was asked of the provider, with its reference once that is known; None before any order."""
        stored = self.order_record
        if "kind" not in stored:
            return None
        return OrderRecord(
            kind=stored["kind"],
            service_id=stored["service_id"],
            deployment_id=stored["deployment_id"],
            order_intent_at=datetime.fromisoformat(stored["order_intent_at"]),
            ref=self.provider_ref,
            commit_sha=stored["commit_sha"],
            image=stored.get("image", ""),
            known=tuple(stored["known"]),
            live_before=stored.get("live_before", ""),
            auto_deploy=stored.get("auto_deploy", ""),
            last_move=stored.get("last_move") or "",
            last_move_reported=stored.get("last_move_reported", True),
            release=stored.get("release", ""),
            release_as_read=stored.get("release_as_read", ""),
        )

    @property
    def unchecked(self) -> bool:
        """It succeeded according to the provider only, which is not enough for green."""
        return UNCHECKED in self.evidence

    @property
    def failing(self) -> bool:
        """It was carried out, and its target answered users with errors: no success."""
        return self.status == "succeeded" and FAILING in self.evidence

    @property
    def took_effect_late(self) -> bool:
        return self.ended and TOOK_EFFECT_LATE in self.evidence

    @property
    def outcome(self) -> str:
        """The status, or `SERVES_AND_FAILS`."""
        return SERVES_AND_FAILS if self.failing else self.status
