"""Saves rollbacks and pins that somebody made at the provider, outside the portal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from deployments.models import Change, Deployment, Pin, Service
from deployments.providers.base import Current, RemoteEvent
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor, record

OURS_WITHIN = timedelta(minutes=2)  # a pin of the portal may reach the provider's record this late


def save_events(service: Service, events: Sequence[RemoteEvent], rows: Mapping[str, Deployment]) -> None:
    """Save what only events tell: who started a deployment, and which one a rollback restored."""
    changes = Change.objects.filter(service=service).exclude(provider_ref="")
    ours = dict(changes.values_list("provider_ref", "operation__requested_by_name"))
    for event in events:
        row = rows.get(event.deployment_id)
        if row is None:
            continue
        before = (row.restores_id, row.started_by, row.outside)
        row.started_by = (ours.get(row.provider_id) or event.actor or row.started_by)[:120]
        if event.kind == "rolled_back":
            target = rows.get(event.target_id)
            row.restores = target if target is not None and target != row else row.restores
            row.outside = row.provider_id not in ours
        if before != (row.restores_id, row.started_by, row.outside):
            row.save(update_fields=["restores", "started_by", "outside"])


def save_pin(service: Service, current: Current, events: Sequence[RemoteEvent], now: datetime) -> None:
    """Make the standing pin agree with the provider; where the provider does not say, nothing changes.

    A service with an operation under way is skipped: the operation sets and releases pins itself.
    """
    if current.pinned is None or Change.objects.active().filter(service=service).exists():
        return
    standing = service.standing_pin
    if current.pinned and standing is None:
        _pinned_outside(service, current, events, now)
    if current.pinned is False and standing is not None and now - standing.pinned_at > OURS_WITHIN:
        _released_outside(service, standing, events, now)


def _pinned_outside(service: Service, current: Current, events: Sequence[RemoteEvent], now: datetime) -> None:
    rollback = next((event for event in events if event.kind == "rolled_back"), None)
    switched = next((event for event in events if event.kind == "auto_deploy_off"), None)
    alias = current.alias_request
    since = rollback.at if rollback else alias.requested_at if alias else now
    actor = (rollback.actor if rollback else "") or "somebody outside the portal"
    if Pin.objects.filter(
        service=service, released_at__isnull=False, pinned_at__gte=since - OURS_WITHIN
    ).exists():
        return  # this rollback has been left already, with automatic deploys off as they were before
    from_id = (rollback.from_id if rollback else "") or (alias.from_id if alias else "") or ""
    detail = switched.detail if switched else ""
    Pin.objects.create(
        service=service,
        deployment=service.live,
        rolled_back_from=service.deployments.filter(provider_id=from_id).first() if from_id else None,
        pinned_at=since,
        pinned_by=actor[:200],
        reason=rollback.detail[:250] if rollback else "",
        auto_deploy_before=detail if service.provider == Service.ProviderChoice.RENDER else "on",
    )
    target = service.live or "an unknown deployment"
    message = f"{actor} rolled {service.short} back to {target} outside the portal."
    _record(service, actor, "rollback outside the portal", message)


def _released_outside(service: Service, pin: Pin, events: Sequence[RemoteEvent], now: datetime) -> None:
    switched = next((event for event in events if event.kind in {"auto_deploy_on", "promoted"}), None)
    actor = (switched.actor if switched else "") or "somebody outside the portal"
    pin.released_at, pin.released_by = (switched.at if switched else now), actor[:200]
    pin.save(update_fields=["released_at", "released_by"])
    message = (
        f"{actor} left the rollback of {service.short} outside the portal: automatic deploys are on again."
    )
    _record(service, actor, "rollback left outside the portal", message)


def _record(service: Service, actor: str, action: str, message: str) -> None:
    record(
        Actor(actor, "outside the portal"),
        action,
        Outcome.DONE,
        service.label,
        message,
        after={"live": str(service.live or ""), "auto_deploy": service.auto_deploy},
    )
