"""What the other app may ask this one, through names in the settings. Answers are JSON or sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from django.utils import timezone

from deployments.models import Change, Pin, Service
from rollback_portal.text import age


def live_code(services: Sequence[str]) -> list[dict[str, Any]]:
    """The live commit of each service, whether it is pinned, and what it was rolled back from, as JSON.

    Args:
        services: slugs or provider ids. An unknown one gets `"known": False`.
    """
    return [_live_code_of(name) for name in services]


def _live_code_of(name: str) -> dict[str, Any]:
    service = Service.objects.select_related("live").filter(Q(slug=name) | Q(provider_id=name)).first()
    if service is None:
        description = "unknown to the portal"
        return {"service": name, "known": False, "commit": "", "description": description, "pinned": ""}
    pin, live = service.standing_pin, service.live
    since = f", live for {age(live.live_since)}" if live and live.live_since else ""
    return {
        "service": service.label,
        "known": True,
        "url": f"/services/{service.slug}/",
        "commit": live.commit_sha if live else "",
        "description": f"{live.short_sha} {live.subject}{since}" if live else "it is not known what is live",
        "pinned": f"pinned by {pin.pinned_by} {age(pin.pinned_at)} ago" if pin else "",
        "left": _rolled_back_from(pin),
        "auto_deploy": service.auto_deploy,
        "read_at": timezone.now().isoformat(),
    }


def _rolled_back_from(pin: Pin | None) -> dict[str, str] | None:
    """The commit that code was rolled back from: it usually contains the migration in question.

    After several rollbacks in a row that is the one that the first of them left: each leads further back.
    """
    while pin is not None and pin.replaces is not None and _follows(pin, pin.replaces):
        pin = pin.replaces
    deployment = pin.rolled_back_from if pin else None
    if deployment is None:
        return None
    return {"commit": deployment.commit_sha, "description": f"{deployment.short_sha} {deployment.subject}"}


def _follows(pin: Pin, older: Pin) -> bool:
    """Whether it rolled back from what the older one had put in front of users, with nothing in between."""
    left, put = pin.rolled_back_from, older.deployment
    return left is None or put is None or left.commit_sha == put.commit_sha


def operation_under_way(services: Sequence[str]) -> str:
    """A sentence about the operation that is under way on one of these services; "" where none is."""
    condition = Q(service__slug__in=services) | Q(service__provider_id__in=services)
    change = Change.objects.shown().active().filter(condition).first()
    if change is None:
        return ""
    return f"{change.operation.requested_by_name} has an operation under way on {change.service.short}."
