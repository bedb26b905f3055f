"""Reads the providers into the portal's rows, and decides which deployment is live.

All requests are made first, with no transaction open. Then everything about one service is written in a
single transaction, unless a newer reading has been written in the meantime.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from deployments.models import Deployment, Service
from deployments.providers.base import (
    Busy,
    Current,
    NotAllowed,
    Provider,
    ProviderError,
    ProviderName,
    Refused,
    RemoteDeployment,
    RemoteEvent,
)
from deployments.sync import circuit_breaker
from deployments.sync.external_changes import save_events, save_pin
from deployments.sync.live_periods import save_live_periods
from deployments.sync.services import save_services
from rollback_portal.text import clean_line

FIRST_READ_PAGES = 12  # of 100 deployments each: 1,000 with some reserve
FIRST_READ_EVENTS = timedelta(days=30)
EVENTS_OVERLAP = timedelta(minutes=5)  # events are asked for from this long before the last read


@dataclass(frozen=True, slots=True)
class ServiceReading:
    """What a provider said about one service in one read. `complete`: every deployment is listed."""

    at: datetime
    current: Current
    deployments: Sequence[RemoteDeployment]
    events: Sequence[RemoteEvent]
    complete: bool


def read_services(name: str, provider: Provider) -> None:
    """Discover services. A failure is saved for the pages; nothing is raised."""
    if not circuit_breaker.allows(name):
        return
    now = timezone.now()
    try:
        listed = provider.services()
    except ProviderError as error:
        circuit_breaker.record_failure(name, error)
        return
    save_services(name, listed, now)


def read_provider(name: str, provider: Provider) -> None:
    """Read all followed services of one provider, unless a read is running or the circuit is open."""
    if not circuit_breaker.start_reading(name):
        return
    try:
        services = Service.objects.followed().select_related("live").filter(provider=name)
        for service in services.order_by("position"):
            if not read_service(service, provider):
                return
        circuit_breaker.record_success(name)
    finally:
        circuit_breaker.finish_reading(name)


def read_service(service: Service, provider: Provider) -> bool:
    """Read one service; False where the whole provider should not be asked any more for now."""
    try:
        reading = _read(service, provider)
    except ProviderError as error:
        Service.objects.filter(pk=service.pk).update(error=str(error))
        if isinstance(error, Refused) and not isinstance(error, NotAllowed):
            return True  # the error concerns this service only
        circuit_breaker.record_failure(service.provider, error)
        return False
    save_reading(service.pk, reading)
    return True


def _read(service: Service, provider: Provider) -> ServiceReading:
    at = timezone.now()
    first = service.synced_at is None
    current = provider.current(service.provider_id)
    deployments, complete = _list_deployments(service, provider, FIRST_READ_PAGES if first else 1)
    if current.live_id and current.live_id not in {deployment.id for deployment in deployments}:
        deployments.append(provider.deployment(service.provider_id, current.live_id))
    return ServiceReading(at, current, deployments, _events(service, provider, current, at), complete)


def _events(service: Service, provider: Provider, current: Current, at: datetime) -> list[RemoteEvent]:
    """The events since the last read, newest first.

    Vercel allows ten such requests a minute, so there they are asked for only after a change.
    """
    live_id = service.live.provider_id if service.live else None
    unchanged = service.synced_at is not None and (live_id, service.pinned) == (
        current.live_id,
        current.pinned,
    )
    if unchanged and provider.name == ProviderName.VERCEL:
        return []
    since = service.synced_at - EVENTS_OVERLAP if service.synced_at is not None else at - FIRST_READ_EVENTS
    try:
        events = provider.events(service.provider_id, since=since)
    except Busy:
        return []  # not worth losing the whole read
    return sorted(events, key=lambda event: event.at, reverse=True)


def _list_deployments(
    service: Service, provider: Provider, pages: int
) -> tuple[list[RemoteDeployment], bool]:
    """List at most this many pages, and say whether that was all.

    A list that grows in the meantime may repeat a deployment on the next page; the later one counts.
    """
    listed: dict[str, RemoteDeployment] = {}
    cursor = ""
    for _ in range(pages):
        page = provider.deployments(service.provider_id, cursor=cursor)
        listed.update({deployment.id: deployment for deployment in page.deployments})
        cursor = page.next
        if not cursor:
            return list(listed.values()), True
    return list(listed.values()), False


@transaction.atomic
def save_reading(pk: int, reading: ServiceReading) -> None:
    """Write one reading into the service with this primary key, unless a newer one is there already."""
    service = Service.objects.select_for_update().get(pk=pk)
    if service.synced_at is not None and service.synced_at >= reading.at:
        return
    _save_deployments(service, reading)
    rows = {row.provider_id: row for row in service.deployments.filter(provider_id__in=_ids(reading))}
    service.live = rows.get(reading.current.live_id or "")
    service.live_conflict = reading.current.conflict
    service.auto_deploy = reading.current.auto_deploy or ""
    service.pinned = reading.current.pinned
    service.synced_at, service.error = reading.at, ""
    service.save(update_fields=["live", "live_conflict", "auto_deploy", "pinned", "synced_at", "error"])
    save_events(service, reading.events, rows)
    save_live_periods(service, _starts(reading, rows), service.live, reading.at)
    save_pin(service, reading.current, reading.events, reading.at)


def _ids(reading: ServiceReading) -> set[str]:
    ids = {deployment.id for deployment in reading.deployments}
    ids |= {event.target_id for event in reading.events} | {event.deployment_id for event in reading.events}
    return ids | {reading.current.live_id or ""}


def _save_deployments(service: Service, reading: ServiceReading) -> None:
    """Insert or update every listed deployment in one statement; none is ever deleted."""
    rows = [_row(service, remote) for remote in reading.deployments]
    Deployment.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["service", "provider_id"],
        update_fields=[
            "status", "raw_status", "staged", "can_roll_back", "production", "commit_sha", "commit_message",
            "branch", "pull_request", "trigger", "url", "image", "ready_at", "missing_since",
        ],
    )  # fmt: skip
    if reading.complete:
        listed = [remote.id for remote in reading.deployments]
        service.deployments.filter(missing_since=None).exclude(provider_id__in=listed).update(
            missing_since=reading.at
        )


def _row(service: Service, remote: RemoteDeployment) -> Deployment:
    return Deployment(
        service=service,
        provider_id=remote.id,
        status=remote.status,
        raw_status=clean_line(remote.raw_status, 40),
        production=remote.production,
        staged=remote.staged,
        served=remote.served,
        can_roll_back=remote.can_roll_back,
        commit_sha=remote.commit_sha[:40],
        commit_message=remote.commit_message[:5000].replace("\x00", ""),
        author=clean_line(remote.author, 120),
        branch=clean_line(remote.branch, 200),
        pull_request=clean_line(remote.pull_request, 20),
        trigger=clean_line(remote.trigger, 40),
        url=remote.url[:500] if remote.url.startswith("https://") else "",
        image=clean_line(remote.image, 300),
        created_at=remote.created_at,
        ready_at=remote.ready_at,
    )


def _starts(reading: ServiceReading, rows: dict[str, Deployment]) -> list[tuple[datetime, Deployment]]:
    starts = [
        (remote.live_from, rows[remote.id]) for remote in reading.deployments if remote.live_from is not None
    ]
    for event in reading.events:
        if event.kind in {"rolled_back", "promoted"} and not event.deployment_id and event.target_id in rows:
            starts.append((event.at, rows[event.target_id]))
    return starts
