"""The current state, loaded once for a page: pins, running changes, age of the data, live processes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from deployments.models import ACTIVE, Change, Pin, ProviderStatus, Service, StatusFeed
from deployments.pages.figures.live_figures import LiveFigures, load_figures
from deployments.pages.manual_commands import KEYS
from rollback_portal.jobs.process.heartbeats import ProcessStatus, process_status


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old one provider's data is, and when the portal asks again.

    Args:
        tone: good, warn or bad, by age and error.
        services: what people call the services of this provider.
        left_alone: it failed so often, or refuses the key, that syncs pause until `retry_at`.
        key: the environment variable of the key, if the provider refuses it.
        services_error: why the list of services could not be read, where only that failed.
        unread: how many of its services fail by themselves; their own data is older than `read_at`.
    """

    provider: str
    name: str
    tone: str
    read_at: datetime | None
    error: str
    retry_at: datetime | None
    services: tuple[str, ...]
    left_alone: bool = False
    key: str = ""
    services_error: str = ""
    unread: int = 0

    @property
    def down(self) -> bool:
        """Whether the provider fails, or has not answered for so long that its rows are a snapshot."""
        return bool(self.error) or self.tone == "bad"


@dataclass(frozen=True, slots=True)
class CurrentState:
    """What a page needs to know beside its services' deployments.

    Args:
        pins: the pin that is in force, by the primary key of its service.
        changes: the running change, by the primary key of its service.
        freshness: one for each provider that a service needs.
        figures: what was measured, by the primary key of the service.
        status_feeds: what the status pages of these services' providers say.
        undecided: operations that wait for a person, unless somebody has started another one since.
    """

    services: tuple[Service, ...]
    pins: dict[int, Pin]
    changes: dict[int, Change]
    freshness: tuple[Freshness, ...]
    process_status: ProcessStatus
    undecided: tuple[Change, ...] = ()
    status_feeds: tuple[StatusFeed, ...] = ()
    figures: Mapping[int, LiveFigures] = field(default_factory=dict)

    def freshness_of(self, service: Service) -> Freshness:
        return next(fresh for fresh in self.freshness if fresh.provider == service.provider)

    def service(self, pk: int) -> Service:
        return next(service for service in self.services if service.pk == pk)


def load_current_state(services: Iterable[Service]) -> CurrentState:
    """The state of these services, in eleven queries at most, however many there are."""
    services = tuple(services)
    providers = {service.provider for service in services}
    changes = _unsettled(services)
    running = {change.service_id: change for change in changes if change.active}
    pins = _pins_in_force(services, running)
    _forget_what_was_left(services, pins)
    return CurrentState(
        services=services,
        pins={pk: pin for pk, pin in pins.items() if pin is not None},
        changes=running,
        freshness=_freshness(services),
        process_status=process_status(),
        undecided=tuple(change for change in changes if not change.active),
        figures=load_figures(services),
        status_feeds=tuple(StatusFeed.objects.filter(provider__in=providers).order_by("provider")),
    )


def _unsettled(services: Iterable[Service]) -> list[Change]:
    """Changes that run, and the latest ones where they wait for a person."""
    newer = Change.objects.filter(service=OuterRef("service"), pk__gt=OuterRef("pk"))
    wanted = Q(status__in=ACTIVE) | (Q(status="needs_attention") & ~Exists(newer))
    changes = Change.objects.filter(wanted, service__in=services)
    return list(changes.select_related("operation", "to_deployment", "from_deployment").order_by("pk"))


def _pins_in_force(services: Iterable[Service], running: Mapping[int, Change]) -> dict[int, Pin | None]:
    """The pin of each service with a standing one, by primary key.

    That of a rollback that still runs is not in force yet: the one that it replaces is, if any.
    """
    under_way = [change.pk for change in running.values()]
    replaced = Pin.objects.standing().filter(change__in=under_way).values("replaces")
    pins = Pin.objects.filter(Q(released_at=None) | Q(pk__in=replaced), service__in=services)
    in_force: dict[int, Pin | None] = {}
    for pin in pins.select_related("deployment", "rolled_back_from", "change"):
        if pin.change_id in under_way:
            in_force.setdefault(pin.service_id, None)
        else:
            in_force[pin.service_id] = pin
    return in_force


def _forget_what_was_left(services: tuple[Service, ...], in_force: Mapping[int, Pin | None]) -> None:
    """A rollback that was left with automatic deploys off still looks pinned to the provider."""
    pinned = [service for service in services if service.pinned and service.pk not in in_force]
    left = set(Pin.objects.filter(service__in=pinned).values_list("service", flat=True)) if pinned else set()
    for service in pinned:
        service.pinned = None if service.pk in left else service.pinned


def _freshness(services: tuple[Service, ...]) -> tuple[Freshness, ...]:
    """One for each provider that a service needs; one that was never read is not fresh."""
    statuses = {status.provider: status for status in ProviderStatus.objects.all()}
    now, freshness = timezone.now(), []
    for provider in Service.ProviderChoice:
        own = [service for service in services if service.provider == provider]
        if own:
            status = statuses.get(provider) or ProviderStatus(provider=provider)
            freshness.append(
                Freshness(
                    provider=provider.value,
                    name=provider.label,
                    tone=status.tone(now),
                    read_at=status.synced_at,
                    error=status.error,
                    retry_at=status.retry_at if status.retry_at and status.retry_at > now else None,
                    services=tuple(service.short for service in own),
                    left_alone=status.opened_at is not None,
                    key=KEYS[provider] if status.key_refused else "",
                    services_error=status.services_error,
                    unread=sum(1 for service in own if service.read_failures),
                )
            )
    return tuple(freshness)
