"""Sets, reverts and releases pins, always inside the transaction that moves the change."""

from __future__ import annotations

from deployments.models import Change, OperationKind, Pin, Service
from deployments.models.auto_deploy import AUTO_DEPLOY_TEXT
from rollback_portal.jobs import clock


def set_pin(change: Change) -> None:
    """Pin the service to the change's target; a change that has pinned already does nothing."""
    Pin.objects.stand_for(change)


def revert_pin(change: Change) -> None:
    """The change had no effect: release its pin, and let the one that it replaced stand again."""
    pin = Pin.objects.standing().filter(change=change).first()
    if pin is None:
        return
    pin.released_at, pin.released_by = clock.now(), "undone: the rollback had no effect"
    pin.save(update_fields=["released_at", "released_by"])
    if pin.replaces_id is not None:
        Pin.objects.filter(pk=pin.replaces_id).update(released_at=None, released_by="")


def release_pin(change: Change) -> None:
    """Release the standing pin, because the rollback was left."""
    change.service.pins.standing().update(
        released_at=clock.now(), released_by=change.operation.requested_by_name
    )


def without_pin(change: Change, auto_deploy: str | None) -> str:
    """What a rollback that was not needed leaves undone, as a sentence; "" where the portal's pin stands.

    Args:
        auto_deploy: the setting of automatic deploys, "" or None where it is unknown.
    """
    if (
        change.operation.kind != OperationKind.ROLL_BACK
        or Pin.objects.standing().filter(change=change).exists()
    ):
        return ""
    if auto_deploy == "off":
        return "The portal set no pin; automatic deploys are off."
    if auto_deploy:
        setting = AUTO_DEPLOY_TEXT.get(auto_deploy, auto_deploy)
        return (
            f"The portal set no pin, and automatic deploys are “{setting}”: the next build takes its place."
        )
    return "The portal set no pin, and does not know whether automatic deploys are on."


def auto_deploy_to_restore(service: Service) -> str:
    """The setting that automatic deployments had before the standing pin; "" where it is unknown."""
    pin = service.standing_pin
    return pin.auto_deploy_before if pin else ""
