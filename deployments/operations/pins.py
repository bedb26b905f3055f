"""Pins are set, carried over, dropped and closed here, always inside the transaction of a change's move."""

from __future__ import annotations

from django.db.models import F
from django.utils import timezone

from deployments.models import Change, Pin, Service


def set_pin(change: Change) -> None:
    """Hold the service on the change's target.

    A service that was pinned already keeps what its automatic deployments were before the first pin.
    """
    if Pin.objects.filter(change=change).exists():
        return
    now = timezone.now()
    older = Pin.objects.filter(service=change.service, released_at=None).first()
    if older is not None:
        older.released_at, older.released_by = now, change.operation.requested_by_name
        older.save(update_fields=["released_at", "released_by"])
    Pin.objects.create(
        service=change.service,
        change=change,
        replaces=older,
        deployment=change.to_deployment,
        rolled_back_from=change.from_deployment,
        pinned_at=now,
        pinned_by=change.operation.requested_by_name,
        reason=change.operation.why,
        incident=change.operation.incident,
        auto_deploy_before=older.auto_deploy_before if older else change.auto_deploy_before,
    )


def drop_pin(change: Change) -> None:
    """The change had no effect: its pin goes, and the one that it replaced stands again."""
    pin = Pin.objects.filter(change=change, released_at=None).first()
    if pin is None:
        return
    pin.released_at, pin.released_by = timezone.now(), "undone: the rollback had no effect"
    pin.save(update_fields=["released_at", "released_by"])
    if pin.replaces_id is not None:
        Pin.objects.filter(pk=pin.replaces_id).update(released_at=None, released_by="")


def close_pin(change: Change) -> None:
    """Somebody left the rollback."""
    standing = Pin.objects.filter(service=change.service, released_at=None)
    standing.update(released_at=timezone.now(), released_by=change.operation.requested_by_name)


def setting_to_leave_with(service: Service) -> str:
    """What automatic deployments were before the first rollback of the standing pin; "" if unknown."""
    found = (
        Pin.objects.filter(service=service, released_at=None)
        .values_list(F("auto_deploy_before"), flat=True)
        .first()
    )
    return found or ""
