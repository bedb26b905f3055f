"""Writes a reading of one service into its rows, in one transaction."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from deployments.models import Change, Deployment, Service
from deployments.providers.base import Current, RemoteDeployment
from deployments.providers.json_fields import EPOCH
from deployments.sync.fit import fitted, usable
from deployments.sync.late_moves import tell_late_move
from deployments.sync.live_periods import save_live_periods
from deployments.sync.outside.memory import Before
from deployments.sync.outside.pins import save_events
from deployments.sync.outside.save import save_outside
from deployments.sync.reading import Events, ServiceReading
from rollback_portal.jobs import clock
from rollback_portal.text import clean_line

LISTS_TO_MISS = 2  # complete lists in a row that lack something, before it is looked up by id

# What the provider may say anew about a deployment.
DESCRIPTION = (
    "status", "raw_status", "created_at", "staged", "served", "can_roll_back", "production",
    "commit_sha", "commit_message", "branch", "pull_request", "trigger", "url", "image", "ready_at",
    "environment", "deleted_at", "by_retention", "expires_at", "checks", "alias_error",
)  # fmt: skip
LISTED = (*DESCRIPTION, "missing_since", "unlisted", "looked_at")  # what being listed tells
STATE = (
    "live", "live_conflict", "auto_deploy", "pinned", "rolling_release", "synced_at", "error",
    "read_failures", "read_failed_at", "read_retry_at", "events_error", "events_read_at", "events_tried_at",
)  # fmt: skip


@transaction.atomic
def save_reading(pk: int, reading: ServiceReading) -> None:
    """Write one reading into the service with this primary key, unless something newer is known already.

    What is stored with a time ahead of now was written by a clock that was wrong; it is not newer.
    """
    service, reading = Service.objects.select_for_update().get(pk=pk), reading.storable()
    now = clock.now()
    if service.synced_at is not None and reading.at <= service.synced_at <= now:
        return
    if Change.objects.filter(service=service, ended_at__gt=reading.at, ended_at__lte=now).exists():
        return  # part of the reading is from before an operation ended
    before = Before.of(service, reading)
    rows = _save_deployments(service, reading)
    service.live = rows.get(reading.current.live_id or "")
    service.live_conflict = reading.current.conflict
    service.auto_deploy = reading.current.auto_deploy or ""
    service.pinned = reading.current.pinned
    service.rolling_release = _rolling_release(service, reading.current, rows)
    service.synced_at, service.error = reading.at, ""
    service.read_failures, service.read_failed_at, service.read_retry_at = 0, None, None
    _note_events(service, reading.recorded, reading.at)
    fitted(service).save(update_fields=STATE)
    save_events(service, reading.events, rows)
    save_live_periods(service, _starts(reading, rows), service.live, reading.at)
    save_outside(service, before, reading, rows)
    tell_late_move(service, reading.current, reading.at)


def _rolling_release(
    service: Service, current: Current, rows: dict[str, Deployment]
) -> dict[str, Any] | None:
    """The active one; what is stored stays where it could not be read, as long as its base is live."""
    release, known = current.rolling_release, service.release
    if not current.release_known:
        return service.rolling_release if known and known.base_id == current.live_id else None
    if release is None or not release.active:
        return None
    canary = rows.get(release.canary_id)
    return asdict(replace(release, canary_sha=canary.commit_sha if canary else ""))


def _note_events(service: Service, recorded: Events, at: datetime) -> None:
    if recorded.outcome == "read":
        service.events_read_at, service.events_tried_at, service.events_error = at, at, ""
    elif recorded.outcome == "failed":
        service.events_tried_at, service.events_error = at, clean_line(recorded.error, 300)
    elif recorded.outcome == "postponed":
        service.events_tried_at = None


def _ids(reading: ServiceReading) -> set[str]:
    ids = {deployment.id for deployment in reading.deployments}
    ids |= {event.target_id for event in reading.events} | {event.deployment_id for event in reading.events}
    return ids | {reading.current.live_id or ""}


def _save_deployments(service: Service, reading: ServiceReading) -> dict[str, Deployment]:
    """Insert or update what the list says anew in one statement; none is ever deleted. Returns all named."""
    rows = {row.provider_id: row for row in service.deployments.filter(provider_id__in=_ids(reading))}
    said = [deployment_row(service, remote, rows.get(remote.id)) for remote in reading.deployments]
    news = [row for row in said if not _is_known(row, rows.get(row.provider_id))]
    Deployment.objects.bulk_create(
        news, update_conflicts=True, unique_fields=["service", "provider_id"], update_fields=LISTED
    )
    for row in news:
        known = rows.setdefault(row.provider_id, row)
        for name in LISTED:
            setattr(known, name, getattr(row, name))
    listed = [row.provider_id for row in said]
    others = service.deployments.filter(unlisted__lt=LISTS_TO_MISS).exclude(provider_id__in=listed)
    if not reading.complete:
        others = others.filter(created_at__gt=reading.reaches_to) if reading.reaches_to else others.none()
    if reading.current.live_id in listed:
        others.update(unlisted=F("unlisted") + 1)
    return rows


def _is_known(row: Deployment, known: Deployment | None) -> bool:
    return known is not None and all(getattr(row, name) == getattr(known, name) for name in LISTED)


def deployment_row(service: Service, remote: RemoteDeployment, known: Deployment | None) -> Deployment:
    """What a provider said about a deployment, as a row that fits its columns.

    `known` is its row: when it was made, and that it served, stays known where the provider leaves it out.
    """
    served = {remote.served, known.served if known else None}
    return fitted(
        Deployment(
            service=service,
            provider_id=remote.id,
            status=remote.status,
            raw_status=remote.raw_status,
            production=remote.production,
            staged=remote.staged,
            served=True if True in served else False if False in served else None,
            can_roll_back=remote.can_roll_back,
            commit_sha=remote.commit_sha,
            commit_message=remote.commit_message[:5000],
            author=remote.author,
            branch=remote.branch,
            pull_request=remote.pull_request,
            trigger=remote.trigger,
            url=remote.url if remote.url.startswith("https://") and len(remote.url) <= 500 else "",
            image=remote.image,
            created_at=known.created_at if known and remote.created_at == EPOCH else remote.created_at,
            ready_at=remote.ready_at,
            environment=remote.environment,
            deleted_at=remote.deleted_at,
            by_retention=remote.by_retention,
            expires_at=remote.expires_at,
            checks=remote.checks,
            alias_error=remote.alias_error,
        )
    )


def save_look(deployment: Deployment, remote: RemoteDeployment | None, at: datetime) -> None:
    """Write what the provider said at `at` when it was asked for this one; None: that it is gone."""
    said = deployment_row(deployment.service, remote, deployment) if remote else deployment
    Deployment.objects.filter(pk=deployment.pk).update(
        **{name: getattr(said, name) for name in DESCRIPTION},
        missing_since=None if remote else deployment.missing_since or at,
        unlisted=0 if remote else deployment.unlisted,
        looked_at=at,
    )


def _canary(reading: ServiceReading) -> str:
    """During a rolling release the canary gets some traffic but is not live yet."""
    release = reading.current.rolling_release
    return release.canary_id if release is not None and release.active else ""


def _starts(reading: ServiceReading, rows: dict[str, Deployment]) -> list[tuple[datetime, Deployment]]:
    starts = [
        (remote.live_from, rows[remote.id])
        for remote in reading.deployments
        if remote.live_from is not None and remote.id in rows and remote.id != _canary(reading)
    ]
    for event in reading.events:
        if event.kind in {"rolled_back", "promoted"} and not event.deployment_id and event.target_id in rows:
            starts.append((event.at, rows[event.target_id]))
    return [(at, row) for at, row in starts if usable(at)]
