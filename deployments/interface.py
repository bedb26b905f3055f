"""What the database wing may ask this one, by names in the settings: plain JSON and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from django.utils import timezone

from deployments.models import Change, Pin, Service
from rollback_portal.templatetags.text import age


def live_code(services: Sequence[str]) -> list[dict[str, Any]]:
    """Which commit each of these services serves, whether it is pinned, and what was rolled back from.

    Args:
        services: slugs or provider ids; one that is not known here is said to be unknown.
    """
    return [_live(name) for name in services]


def _live(name: str) -> dict[str, Any]:
    service = Service.objects.select_related("live").filter(Q(slug=name) | Q(provider_id=name)).first()
    if service is None:
        return {"service": name, "known": False, "commit": "", "said": "unknown to the portal", "pinned": ""}
    pin, live = service.standing_pin, service.live
    since = f", live for {age(live.live_since)}" if live and live.live_since else ""
    return {
        "service": service.label,
        "known": True,
        "url": f"/services/{service.slug}/",
        "commit": live.commit_sha if live else "",
        "said": f"{live.short_sha} {live.subject}{since}" if live else "it is not known what is live",
        "pinned": f"pinned by {pin.pinned_by} {age(pin.pinned_at)} ago" if pin else "",
        "left": _left(pin),
        "automatic": service.auto_deploy,
        "read_at": timezone.now().isoformat(),
    }


def _left(pin: Pin | None) -> dict[str, str] | None:
    """What a standing rollback went away from: the commit that usually brought the migration in question."""
    left = pin.rolled_back_from if pin else None
    return {"commit": left.commit_sha, "said": f"{left.short_sha} {left.subject}"} if left else None


def under_way(services: Sequence[str]) -> str:
    """The code operation that is under way on one of these services; "" where there is none."""
    named = Q(service__slug__in=services) | Q(service__provider_id__in=services)
    change = Change.objects.shown().active().filter(named).first()
    if change is None:
        return ""
    return f"{change.operation.requested_by_name} has an operation under way on {change.service.short}."
