"""A deployment: one build of a service that can be put in front of users."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from deployments.models.live_period import share_is_one, share_of
from deployments.providers.base import DeploymentStatus
from deployments.providers.json_fields import stated

SERVABLE = (DeploymentStatus.READY, DeploymentStatus.LIVE, DeploymentStatus.RETIRED)
RUNNING = (DeploymentStatus.QUEUED, DeploymentStatus.BUILDING, DeploymentStatus.RELEASING)


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    def shown(self) -> DeploymentQuerySet:
        """Newest first, with what a list needs, so that it needs no query per row."""
        return self.select_related("service", "restores").order_by("-created_at", "-id")


class Deployment(models.Model):
    """One build, as its provider described it last.

    A deleted one (status `deleted`) went by hand or `by_retention`, the project's policy, by which others
    expire. `checks` and `alias_error` are Vercel's words on whether it may get the domains.
    `live_since` is set while it is live; `live_seconds` is the total of the earlier periods. In these,
    `live_errors` of `live_requests` failed, and in the last half hour of the latest one `end_errors` of
    `end_requests`, as `live_source` measured; NULL is no data. On Render a
    rollback is a deployment of its own, and `restores` is the one whose build it restored. `unlisted` counts
    the complete lists in a row that lacked it; only a look at it by id makes it missing.
    """

    service = models.ForeignKey("Service", models.CASCADE, related_name="deployments")
    provider_id = models.CharField(max_length=80)
    status = models.CharField(max_length=10)
    raw_status = models.CharField(max_length=100)
    production = models.BooleanField(default=True)
    staged = models.BooleanField(default=False)
    served = models.BooleanField(null=True)
    can_roll_back = models.BooleanField(null=True)
    commit_sha = models.CharField(max_length=64, blank=True)
    commit_message = models.TextField(blank=True)
    author = models.CharField(max_length=120, blank=True)
    branch = models.CharField(max_length=200, blank=True)
    pull_request = models.CharField(max_length=40, blank=True)
    trigger = models.CharField(max_length=100, blank=True)
    url = models.CharField(max_length=500, blank=True)
    image = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    ready_at = models.DateTimeField(null=True)
    environment = models.CharField(max_length=80, blank=True, default="", db_default="")
    deleted_at = models.DateTimeField(null=True)
    by_retention = models.BooleanField(default=False, db_default=False)
    expires_at = models.DateTimeField(null=True)
    checks = models.CharField(max_length=40, blank=True, default="", db_default="")
    alias_error = models.CharField(max_length=300, blank=True, default="", db_default="")

    live_since = models.DateTimeField(null=True)
    live_until = models.DateTimeField(null=True)
    live_seconds = models.PositiveBigIntegerField(default=0)
    live_requests = models.FloatField(null=True)
    live_errors = models.FloatField(null=True)
    end_requests = models.FloatField(null=True)
    end_errors = models.FloatField(null=True)
    live_source = models.CharField(max_length=8, blank=True, default="", db_default="")
    restores = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")
    started_by = models.CharField(max_length=120, blank=True)
    outside = models.BooleanField(default=False, help_text="A rollback that was not done through the portal.")
    missing_since = models.DateTimeField(null=True)
    unlisted = models.PositiveSmallIntegerField(default=0, db_default=0)
    looked_at = models.DateTimeField(null=True, help_text="When it was last looked up by id.")

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["service", "provider_id"], name="one_row_per_provider_deployment"
            ),
            models.CheckConstraint(
                condition=share_is_one("live_requests", "live_errors", "live_source")
                & share_is_one("end_requests", "end_errors", "live_source"),
                name="live_errors_are_requests",
            ),
        ]
        indexes = [
            models.Index(fields=["service", "-created_at", "-id"]),
            models.Index(
                fields=["service", "-live_until"], condition=Q(live_until__isnull=False), name="served_before"
            ),
            models.Index(fields=["service", "status"]),
            models.Index(fields=["commit_sha"]),
        ]

    def __str__(self) -> str:
        return f"{self.short_sha} “{self.subject}”"

    @property
    def short_sha(self) -> str:
        return self.commit_sha[:7] or self.provider_id[:12]

    @property
    def subject(self) -> str:
        """The first line of the commit message, without the pull request number at its end."""
        first_line = self.commit_message.strip().splitlines()[0] if self.commit_message.strip() else ""
        return re.sub(r"\s*\(#\d+\)$", "", first_line)[:200] or self.image or "no commit message"

    @property
    def running(self) -> bool:
        return self.status in RUNNING

    @property
    def was_live(self) -> timedelta | None:
        return timedelta(seconds=self.live_seconds) if self.live_seconds else None

    @property
    def live_share(self) -> float | None:
        """Of the requests that failed while it was live, from 0 to 1; None without data."""
        return share_of(self.live_errors, self.live_requests)

    @property
    def end_share(self) -> float | None:
        """The same of the last half hour in which it was live."""
        return share_of(self.end_errors, self.end_requests)

    @property
    def is_rollback(self) -> bool:
        return self.restores_id is not None or self.trigger == "rollback"

    @property
    def made_at(self) -> datetime | None:
        """When it was made; None where the provider does not say."""
        return stated(self.created_at)

    @property
    def built_at(self) -> datetime | None:
        """When its build was made; None where the provider does not say."""
        return self.origin.made_at

    @property
    def origin(self) -> Deployment:
        """The deployment that was built: what a rollback restored may be a rollback itself."""
        origin, seen = self, {self.pk}
        while origin.restores is not None and origin.restores_id not in seen:
            origin = origin.restores
            seen.add(origin.pk)
        return origin
