"""Sets, reverts and releases pins, always inside the transaction that moves the change."""

from __future__ import annotations

from django.utils import timezone

from deployments.models import Change, Pin, Service


def set_pin(change: Change) -> None:
    """Pin the service to the change's target; a change that has pinned already does nothing.

    Where the service is pinned already, the new pin replaces the standing one and takes over the setting that
    automatic deployments had before the first of them.
    """
    if Pin.objects.filter(change=change).exists():
        return
    now = timezone.now()
    older = change.service.standing_pin
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


def revert_pin(change: Change) -> None:
    """The change had no effect: release its pin, and let the one that it replaced stand again."""
    pin = Pin.objects.standing().filter(change=change).first()
    if pin is None:
        return
    pin.released_at, pin.released_by = timezone.now(), "undone: the rollback had no effect"
    pin.save(update_fields=["released_at", "released_by"])
    if pin.replaces_id is not None:
        Pin.objects.filter(pk=pin.replaces_id).update(released_at=None, released_by="")


def release_pin(change: Change) -> None:
    """Release the standing pin, because the rollback was left."""
    change.service.pins.standing().update(
        released_at=timezone.now(), released_by=change.operation.requested_by_name
    )


def auto_deploy_to_restore(service: Service) -> str:
    """The setting that automatic deployments had before the standing pin; "" where it is unknown."""
    pin = service.standing_pin
    return pin.auto_deploy_before if pin else ""
