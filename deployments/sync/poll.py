"""Remote to rows: read a provider, keep the portal's own rows fresh, and decide which one is live.

The network is asked first and no transaction is open meanwhile; then everything of one service is
written in one transaction, unless a newer reading has been written already.
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
from deployments.sync.external_changes import keep_events, keep_pin
from deployments.sync.live_periods import keep_servings
from deployments.sync.services import keep_services
from rollback_portal.templatetags.text import harmless

PAGES_AT_FIRST = 12  # of 100 deployments: enough for 1,000 and a little more
OLDEST_EVENTS = timedelta(days=30)
OVERLAP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Seen:
    """One reading of a service, as its provider gave it."""

    at: datetime
    current: Current
    deployments: Sequence[RemoteDeployment]
    events: Sequence[RemoteEvent]
    whole: bool


def read_services(name: str, provider: Provider) -> None:
    """Discover services; a failure is kept for the page to show and raises nothing."""
    if not circuit_breaker.allows(name):
        return
    now = timezone.now()
    try:
        found = provider.services()
    except ProviderError as error:
        circuit_breaker.failed(name, error)
        return
    keep_services(name, found, now)


def read_provider(name: str, provider: Provider) -> None:
    """Read all followed services of one provider, unless somebody else is at it or it asked us to wait."""
    if not circuit_breaker.take_turn(name):
        return
    try:
        for service in (
            Service.objects.followed().select_related("live").filter(provider=name).order_by("position")
        ):
            if not read_service(service, provider):
                return
        circuit_breaker.answered(name)
    finally:
        circuit_breaker.end_turn(name)


def read_service(service: Service, provider: Provider) -> bool:
    """Read one service; False where the whole provider had better be left alone for now."""
    try:
        seen = _look(service, provider)
    except ProviderError as error:
        Service.objects.filter(pk=service.pk).update(error=str(error))
        if isinstance(error, Refused) and not isinstance(error, NotAllowed):
            return True  # about this service only
        circuit_breaker.failed(service.provider, error)
        return False
    write(service.pk, seen)
    return True


def _look(service: Service, provider: Provider) -> Seen:
    at = timezone.now()
    first = service.synced_at is None
    current = provider.current(service.provider_id)
    deployments, whole = _list(service, provider, PAGES_AT_FIRST if first else 1)
    if current.live_id and current.live_id not in {deployment.id for deployment in deployments}:
        deployments.append(provider.deployment(service.provider_id, current.live_id))
    return Seen(at, current, deployments, _events(service, provider, current, at), whole)


def _events(service: Service, provider: Provider, current: Current, at: datetime) -> list[RemoteEvent]:
    """What only events tell, newest first. Vercel allows ten such questions a minute: only after a change."""
    live_id = service.live.provider_id if service.live else None
    unchanged = service.synced_at is not None and (live_id, service.pinned) == (
        current.live_id,
        current.pinned,
    )
    if unchanged and provider.name == ProviderName.VERCEL:
        return []
    since = service.synced_at - OVERLAP if service.synced_at is not None else at - OLDEST_EVENTS
    try:
        found = provider.events(service.provider_id, since=since)
    except Busy:
        return []  # worth less than the deployments themselves
    return sorted(found, key=lambda event: event.at, reverse=True)


def _list(service: Service, provider: Provider, pages: int) -> tuple[list[RemoteDeployment], bool]:
    """Page by page; a list that moves meanwhile may name a deployment on two pages: the later one counts."""
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
def write(pk: int, seen: Seen) -> None:
    """Write one reading, unless a newer one has been written meanwhile."""
    service = Service.objects.select_for_update().get(pk=pk)
    if service.synced_at is not None and service.synced_at >= seen.at:
        return
    _keep_deployments(service, seen)
    rows = {row.provider_id: row for row in service.deployments.filter(provider_id__in=_ids(seen))}
    service.live = rows.get(seen.current.live_id or "")
    service.live_conflict = seen.current.doubt
    service.auto_deploy = seen.current.automatic or ""
    service.pinned = seen.current.pinned
    service.synced_at, service.error = seen.at, ""
    service.save(update_fields=["live", "live_conflict", "auto_deploy", "pinned", "synced_at", "error"])
    keep_events(service, seen.events, rows)
    keep_servings(service, _beginnings(seen, rows), service.live, seen.at)
    keep_pin(service, seen.current, seen.events, seen.at)


def _ids(seen: Seen) -> set[str]:
    ids = {deployment.id for deployment in seen.deployments}
    ids |= {event.target_id for event in seen.events} | {event.deployment_id for event in seen.events}
    return ids | {seen.current.live_id or ""}


def _keep_deployments(service: Service, seen: Seen) -> None:
    """Insert or update every listed deployment in one statement; forget none."""
    rows = [_row(service, remote) for remote in seen.deployments]
    Deployment.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["service", "provider_id"],
        update_fields=[
            "status", "raw_status", "staged", "can_roll_back", "production", "commit_sha", "commit_message",
            "branch", "pull_request", "trigger", "url", "image", "ready_at", "missing_since",
        ],
    )  # fmt: skip
    if seen.whole:
        listed = [remote.id for remote in seen.deployments]
        service.deployments.filter(missing_since=None).exclude(provider_id__in=listed).update(
            missing_since=seen.at
        )


def _row(service: Service, remote: RemoteDeployment) -> Deployment:
    return Deployment(
        service=service,
        provider_id=remote.id,
        status=remote.status,
        raw_status=harmless(remote.raw_status, 40),
        production=remote.production,
        staged=remote.staged,
        served=remote.served,
        can_roll_back=remote.can_roll_back,
        commit_sha=remote.commit_sha[:40],
        commit_message=remote.commit_message[:5000].replace("\x00", ""),
        author=harmless(remote.author, 120),
        branch=harmless(remote.branch, 200),
        pull_request=harmless(remote.pull_request, 20),
        trigger=harmless(remote.trigger, 40),
        url=remote.url[:500] if remote.url.startswith("https://") else "",
        image=harmless(remote.image, 300),
        created_at=remote.created_at,
        ready_at=remote.ready_at,
    )


def _beginnings(seen: Seen, rows: dict[str, Deployment]) -> list[tuple[datetime, Deployment]]:
    found = [
        (remote.live_from, rows[remote.id]) for remote in seen.deployments if remote.live_from is not None
    ]
    for event in seen.events:
        if event.kind in {"rolled_back", "promoted"} and not event.deployment_id and event.target_id in rows:
            found.append((event.at, rows[event.target_id]))
    return found
