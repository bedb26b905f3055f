"""What holds right now, read once for a page: pins, running changes, how old the data is, who is at work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef
from django.utils import timezone

from deployments.models import Change, Pin, ProviderStatus, Service
from deployments.pages.manual_commands import KEYS
from rollback_portal.jobs.process.heartbeats import ProcessStatus, process_status

RANK = {"good": 0, "warn": 1, "bad": 2}


@dataclass(frozen=True, slots=True)
class Freshness:
    """One provider's data: how old, how far to be trusted, and when the portal asks again.

    `left_alone`: it failed so often, or refuses our key, that readings pause until `retry_at`.
    `key`: the variable that holds the key, where the provider refuses it.
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

    @property
    def down(self) -> bool:
        """The provider does not answer, or has not for so long that its rows are a snapshot."""
        return bool(self.error) or self.tone == "bad"


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for the followed services, by service and by provider.

    `doubtful` are the operations that wait for a person, unless somebody started another one since.
    """

    services: tuple[Service, ...]
    pins: dict[int, Pin]
    changes: dict[int, Change]
    freshness: tuple[Freshness, ...]
    process_status: ProcessStatus
    doubtful: tuple[Change, ...] = ()

    def fresh(self, service: Service) -> Freshness:
        return next(found for found in self.freshness if found.provider == service.provider)

    def named(self, pk: int) -> Service:
        return next(service for service in self.services if service.pk == pk)


def what_holds(services: Iterable[Service]) -> Standing:
    """Read what holds for `services` in five queries, however many there are."""
    chosen = tuple(services)
    ids = [service.pk for service in chosen]
    pins = Pin.objects.filter(service__in=ids, released_at=None).select_related(
        "deployment",
        "rolled_back_from",
        "change",
        "replaces__deployment",
        "replaces__rolled_back_from",
        "replaces__change",
    )
    changes = (
        Change.objects.active()
        .filter(service__in=ids)
        .select_related("operation", "to_deployment", "from_deployment")
    )
    running = {change.service_id: change for change in changes}
    holding = {pin.service_id: _holding(pin, running.get(pin.service_id)) for pin in pins}
    return Standing(
        services=chosen,
        pins={pk: pin for pk, pin in holding.items() if pin is not None},
        changes=running,
        freshness=_freshness(chosen),
        process_status=process_status(),
        doubtful=_doubtful(ids),
    )


def _doubtful(ids: list[int]) -> tuple[Change, ...]:
    newer = Change.objects.filter(service=OuterRef("service"), pk__gt=OuterRef("pk"))
    waiting = Change.objects.filter(~Exists(newer), service__in=ids, status="needs_attention")
    return tuple(waiting.select_related("operation", "to_deployment").order_by("pk"))


def _holding(pin: Pin, running: Change | None) -> Pin | None:
    """While a rollback is on its way it holds nothing yet: what held before does, if anything did."""
    return pin.replaces if running is not None and pin.change_id == running.pk else pin


def _freshness(services: tuple[Service, ...]) -> tuple[Freshness, ...]:
    """One per provider that a service needs; a provider that was never read is unknown, not fresh."""
    readings = {reading.provider: reading for reading in ProviderStatus.objects.all()}
    now, found = timezone.now(), []
    for provider in Service.Provider:
        names = tuple(service.short for service in services if service.provider == provider)
        if names:
            reading = readings.get(provider) or ProviderStatus(provider=provider)
            found.append(
                Freshness(
                    provider=provider.value,
                    name=provider.label,
                    tone=reading.tone(now),
                    read_at=reading.synced_at,
                    error=reading.error,
                    retry_at=reading.retry_at if reading.retry_at and reading.retry_at > now else None,
                    services=names,
                    left_alone=reading.opened_at is not None,
                    key=KEYS[provider] if reading.key_refused else "",
                )
            )
    return tuple(found)
