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
    older = Pin.objects.filter(service=change.service, left_at=None).first()
    if older is not None:
        older.left_at, older.left_by = now, change.operation.requested_by_name
        older.save(update_fields=["left_at", "left_by"])
    Pin.objects.create(
        service=change.service,
        change=change,
        replaces=older,
        deployment=change.to_deployment,
        left_from=change.from_deployment,
        since=now,
        by=change.operation.requested_by_name,
        reason=change.operation.why,
        incident=change.operation.incident,
        settings_before=older.settings_before if older else change.settings_before,
    )


def drop_pin(change: Change) -> None:
    """The change had no effect: its pin goes, and the one that it replaced stands again."""
    pin = Pin.objects.filter(change=change, left_at=None).first()
    if pin is None:
        return
    pin.left_at, pin.left_by = timezone.now(), "undone: the rollback had no effect"
    pin.save(update_fields=["left_at", "left_by"])
    if pin.replaces_id is not None:
        Pin.objects.filter(pk=pin.replaces_id).update(left_at=None, left_by="")


def close_pin(change: Change) -> None:
    """Somebody left the rollback."""
    standing = Pin.objects.filter(service=change.service, left_at=None)
    standing.update(left_at=timezone.now(), left_by=change.operation.requested_by_name)


def setting_to_leave_with(service: Service) -> str:
    """What automatic deployments were before the first rollback of the standing pin; "" if unknown."""
    found = (
        Pin.objects.filter(service=service, left_at=None).values_list(F("settings_before"), flat=True).first()
    )
    return found or ""
