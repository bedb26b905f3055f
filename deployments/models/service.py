"""A service that a provider runs. Vercel calls it a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from deployments.models.pin import Pin

MOST_ADDRESSES = 5  # production addresses of one service that the version check asks
LONGEST_ADDRESS = 300  # characters


class ServiceQuerySet(models.QuerySet["Service"]):
    def followed(self) -> ServiceQuerySet:
        return self.filter(followed=True, missing_since=None)

    def for_dashboard(self) -> ServiceQuerySet:
        """Followed services with their live deployment, in the order that people chose."""
        return self.followed().select_related("live").order_by("position", "group", "kind", "name")

    def named(self, name: str) -> Service | None:
        """The service with this slug, provider's name or provider's id; None where none or several match."""
        matches = list(self.filter(Q(slug=name) | Q(provider_id=name) | Q(name=name))[:2])
        return matches[0] if len(matches) == 1 else None


class Service(models.Model):
    """One service, with the settings that people chose and what its provider said last.

    `live` is the deployment that serves users; null is unknown. `live_conflict` says in a sentence where the
    provider contradicts itself. `auto_deploy` is the provider's own setting for automatic deployments
    (Render: `commit`, `checksPass`, `off`; Vercel: `on`, `off`), "" where it is unknown.
    """

    class Kind(models.TextChoices):
        API = "api", "API"
        WEB = "web", "Web"

    class ProviderChoice(models.TextChoices):
        RENDER = "render", "Render"
        VERCEL = "vercel", "Vercel"

    slug = models.SlugField(max_length=120, unique=True)
    provider = models.CharField(max_length=10, choices=ProviderChoice)
    provider_id = models.CharField(max_length=80)
    owner_id = models.CharField(max_length=80, blank=True)
    name = models.CharField(max_length=120)
    repository = models.CharField(max_length=300, blank=True)
    branch = models.CharField(max_length=200, blank=True)
    dashboard_url = models.CharField(max_length=500, blank=True)
    suspended = models.BooleanField(default=False)

    kind = models.CharField(max_length=3, choices=Kind)
    display_name = models.CharField(max_length=60, blank=True)
    group = models.CharField(max_length=60, blank=True)
    position = models.PositiveIntegerField(default=0)
    followed = models.BooleanField(default=True)
    customized = models.BooleanField(
        default=False, help_text="Somebody has chosen: discovery leaves the choice alone."
    )
    addresses = ArrayField(models.CharField(max_length=LONGEST_ADDRESS), default=list, blank=True)
    addresses_customized = models.BooleanField(default=False)

    live = models.ForeignKey("Deployment", models.SET_NULL, null=True, related_name="+")
    live_conflict = models.TextField(blank=True)
    auto_deploy = models.CharField(max_length=20, blank=True)
    pinned = models.BooleanField(null=True, help_text="What the provider says; null is unknown.")
    synced_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    missing_since = models.DateTimeField(null=True)

    version_check_sha = models.CharField(max_length=40, blank=True)
    version_check_agree = models.PositiveSmallIntegerField(default=0)
    version_check_total = models.PositiveSmallIntegerField(default=0)
    version_check_message = models.TextField(blank=True)
    version_checked_at = models.DateTimeField(null=True)

    objects = ServiceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "provider_id"], name="one_row_per_provider_service"),
            models.CheckConstraint(
                condition=Q(provider__in=["render", "vercel"]), name="service_provider_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def short(self) -> str:
        """What people call it. By default a single API is called "API" and a single web service "Web"."""
        return self.display_name or self.name

    @property
    def label(self) -> str:
        return self.name if self.short == self.name else f"{self.short} {self.name}"

    @property
    def standing_pin(self) -> Pin | None:
        """The pin that nobody has released yet, if any. Each access is one query."""
        return self.pins.standing().select_related("deployment", "rolled_back_from").first()

    @property
    def live_is_disputed(self) -> bool:
        """The public address answers with another commit than the provider says is live."""
        live_sha = self.live.commit_sha if self.live else ""
        return bool(self.version_check_sha and live_sha) and not live_sha.startswith(
            self.version_check_sha[:40]
        )
