"""The ways to leave a rollback: keep what is live, bring back what was left, or take something newer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse

from deployments.models import Deployment
from deployments.operations import eligibility
from deployments.operations.plan import Plan

MOST = 10


@dataclass(frozen=True, slots=True)
class Way:
    """One way; `why_not` stands beside it where it cannot be taken."""

    deployment: Deployment | None
    words: str
    address: str
    chosen: bool
    why_not: str = ""


def ways_to_leave(plan: Plan) -> Sequence[Way]:
    """Keeping what is live comes first: it moves no traffic."""
    if plan.pin is None:
        return ()
    address = reverse("leave", args=[plan.service.slug])
    stay = Way(None, "Keep what is live; only automatic deploys come back", address, plan.target is None)
    return (stay, *(_way(plan, deployment, address) for deployment in _offered(plan)))


def _offered(plan: Plan) -> Iterable[Deployment]:
    """What was rolled back from, what was built and staged since, and what somebody already chose."""
    left = plan.pin.rolled_back_from if plan.pin else None
    asked = Q(pk__in=[row.pk for row in (left, plan.target) if row is not None])
    newer = Q(staged=True, created_at__gt=left.created_at) if left else Q(staged=True)
    return plan.service.deployments.filter(asked | newer).order_by("-created_at", "-id")[:MOST]


def _way(plan: Plan, deployment: Deployment, address: str) -> Way:
    left = plan.pin is not None and plan.pin.rolled_back_from_id == deployment.pk
    return Way(
        deployment,
        "Back to what was rolled back from" if left else "Built since, never served",
        f"{address}?{urlencode({'to': deployment.provider_id})}",
        plan.target is not None and plan.target.pk == deployment.pk,
        eligibility.why_not(deployment, plan.service, None, None),
    )
