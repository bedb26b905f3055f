"""A service that a provider runs. Vercel calls it a project."""

from __future__ import annotations

from functools import cached_property

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from deployments.models.operation import ACTIVE, Change
from deployments.models.pin import Pin
from deployments.models.served_window import ServedWindow
from deployments.providers.base import RollingRelease
from deployments.providers.public.health import HealthRule

LONGEST_ADDRESS = 300  # characters
LONGEST_PATH = 200


class ServiceQuerySet(models.QuerySet["Service"]):
    def followed(self) -> ServiceQuerySet:
        """Those that people follow and that still exist.

        One with a standing pin or with an operation that is not settled stays, whatever the provider lists.
        """
        pinned = Exists(Pin.objects.standing().filter(service=OuterRef("pk")))
        unsettled = Exists(
            Change.objects.filter(service=OuterRef("pk"), status__in=[*ACTIVE, "needs_attention"])
        )
        return self.filter(Q(missing_since=None) | Q(pinned) | Q(unsettled), followed=True)

    def for_dashboard(self) -> ServiceQuerySet:
        """Followed services with their live deployment, in the order that people chose."""
        loaded = self.followed().select_related("live__restores", "blame")
        return loaded.order_by("position", "group", "kind", "name")

    def named(self, name: str) -> list[Service]:
        """The service with this slug, else with this id at its provider, else all with this name there.

        Only a name can be that of several.
        """
        for condition in (Q(slug=name), Q(provider_id=name), Q(name=name)):
            found = list(self.filter(condition).order_by("slug"))
            if found:
                return found
        return []


class Service(models.Model):
    """One service, with the settings that people chose and what its provider said last.

    `live` is the deployment that serves users; null is unknown. `live_conflict` says in a sentence where the
    provider contradicts itself. `auto_deploy` is the provider's own setting for automatic deployments
    (Render: `commit`, `checksPass`, `off`; Vercel: `on`, `off`), "" where it is unknown.

    `synced_at` is when the service was last read. Since then it failed `read_failures` times in a row, last
    at `read_failed_at` with `error`, and is left alone until `read_retry_at`. `events_error` says why the
    provider's events, which tell who did what, could not be read; the rest is read without them.
    What the provider dates up to `history_until` is from before the first reading, so it is not reported.
    `domain_targets` is where each production domain pointed when last read, with the last move then (Vercel).
    `health_…` say which path the portal asks and what a good answer is (see `HealthRule`).
    `addresses_checked` is how each address answered last, as `AddressResult`.
    `unlisted` counts the lists in a row that lacked it; only a look at it by id makes it missing.
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
    suspended_by = models.CharField(max_length=120, blank=True, default="", db_default="")
    maintenance = models.BooleanField(default=False, db_default=False)
    environment = models.CharField(max_length=80, blank=True, default="", db_default="")

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
    auto_deploy = models.CharField(max_length=100, blank=True)
    pinned = models.BooleanField(null=True, help_text="What the provider says; null is unknown.")
    synced_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    read_failures = models.PositiveIntegerField(default=0, db_default=0)
    read_failed_at = models.DateTimeField(null=True)
    read_retry_at = models.DateTimeField(null=True)
    events_error = models.TextField(blank=True, default="", db_default="")
    events_read_at = models.DateTimeField(null=True)
    events_tried_at = models.DateTimeField(null=True)
    history_until = models.DateTimeField(null=True)
    domain_targets = models.JSONField(null=True)
    rolling_release = models.JSONField(null=True, help_text="The active one (Vercel).")
    missing_since = models.DateTimeField(null=True)
    unlisted = models.PositiveSmallIntegerField(default=0, db_default=0)
    looked_at = models.DateTimeField(null=True, help_text="When it was last looked up by id.")

    version_check_sha = models.CharField(max_length=40, blank=True)
    version_check_agree = models.PositiveSmallIntegerField(default=0)
    version_check_total = models.PositiveSmallIntegerField(default=0)
    version_check_message = models.TextField(blank=True)
    version_checked_at = models.DateTimeField(null=True)
    served_window = models.JSONField(null=True, help_text="How the checks of the last minutes went.")
    addresses_checked = models.JSONField(null=True, help_text="How each address answered last.")

    health_path = models.CharField(max_length=LONGEST_PATH, default="/", db_default="/")
    health_status = models.PositiveSmallIntegerField(default=0, db_default=0)
    health_text = models.CharField(max_length=200, blank=True, default="", db_default="")
    health_field = models.CharField(max_length=200, blank=True, default="", db_default="")

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
    def health_rule(self) -> HealthRule:
        return HealthRule(self.health_path, self.health_status, self.health_text, self.health_field)

    @property
    def standing_pin(self) -> Pin | None:
        """The pin that nobody has released yet, if any. Each access is one query."""
        return self.pins.standing().select_related("deployment", "rolled_back_from").first()

    @cached_property
    def served(self) -> ServedWindow:
        """How the requests to the public addresses went until the last check, while this commit was live.

        Read once for each loaded row: a page asks for it with every deployment that it shows.
        """
        window = ServedWindow.stored(self.served_window, self.version_checked_at or timezone.now())
        live_sha = self.live.commit_sha if self.live else ""
        return window if window.commit_sha == live_sha else ServedWindow()

    @property
    def release(self) -> RollingRelease | None:
        """The active rolling release, in which `live` is the base."""
        return RollingRelease(**self.rolling_release) if self.rolling_release else None

    @property
    def live_is_disputed(self) -> bool:
        """The public address answers with another commit than the provider says is live."""
        live_sha = self.live.commit_sha if self.live else ""
        canary_sha = self.release.canary_sha if self.release else ""
        if canary_sha and canary_sha.startswith(self.version_check_sha[:40]):
            return False
        return bool(self.version_check_sha and live_sha) and not live_sha.startswith(
            self.version_check_sha[:40]
        )
