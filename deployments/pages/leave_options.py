"""The options when leaving a rollback: keep what is live, return to what was left, or go to a newer build."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse

from deployments.models import Deployment, Pin
from deployments.operations import eligibility
from deployments.operations.plan import Plan
from deployments.pages.deployment_text import built_ago
from rollback_portal.text import clean_line

MOST_OPTIONS = 10
STAY = "Keep what is live; only automatic deploys come back"
STAY_OFF = "Keep what is live, and keep automatic deploys off"
STAY_OFF_AS_BEFORE = "Keep what is live; automatic deploys stay off, as they were before"


@dataclass(frozen=True, slots=True)
class LeaveOption:
    """One option.

    Args:
        deployment: what goes in front of users; None keeps what is live.
        url: the confirm dialog with this option chosen.
        ineligible_reason: why it cannot be chosen, "" where it can.
    """

    deployment: Deployment | None
    label: str
    url: str
    chosen: bool
    ineligible_reason: str = ""

    @property
    def build(self) -> str:
        """ "Bo Lind, built 3 h ago"; "" where nothing new goes in front of users."""
        if self.deployment is None:
            return ""
        author, built = clean_line(self.deployment.author, 60), built_ago(self.deployment)
        return f"{author}, {built}" if author else built


def leave_options(plan: Plan) -> Sequence[LeaveOption]:
    """Keeping what is live comes first: it moves no traffic. Empty without a pin.

    Keeping automatic deploys off lets go of the setting from before the rollback.
    """
    if plan.pin is None:
        return ()
    url = reverse("leave", args=[plan.service.slug])
    stays_off = plan.keep_auto_deploy_off
    stay = LeaveOption(None, STAY, url, plan.target is None and not stays_off)
    if plan.pin.auto_deploy_before == "off":
        stay = replace(stay, label=STAY_OFF_AS_BEFORE)
        let_go: tuple[LeaveOption, ...] = ()
    else:
        let_go = (LeaveOption(None, STAY_OFF, f"{url}?auto_deploy=off", plan.target is None and stays_off),)
    return (stay, *let_go, *(_option(plan, deployment, url) for deployment in _offered(plan)))


def _offered(plan: Plan) -> Iterable[Deployment]:
    """What was rolled back from, what was built and staged since, and the target of the plan."""
    left = plan.pin.rolled_back_from if plan.pin else None
    named = Q(pk__in=[*_left(plan.pin), *([plan.target.pk] if plan.target else [])])
    newer = Q(staged=True, created_at__gt=left.created_at) if left else Q(staged=True)
    return plan.service.deployments.filter(named | newer).order_by("-created_at", "-id")[:MOST_OPTIONS]


def _left(pin: Pin | None) -> list[int]:
    """What the rollbacks that stand were away from: one may have followed another."""
    left = []
    while pin is not None:
        left += [pin.rolled_back_from_id] if pin.rolled_back_from_id else []
        pin = pin.replaces
    return left


def _option(plan: Plan, deployment: Deployment, url: str) -> LeaveOption:
    left = deployment.pk in _left(plan.pin)
    return LeaveOption(
        deployment,
        "Back to what was rolled back from" if left else "Built since, never served",
        f"{url}?{urlencode({'to': deployment.provider_id})}",
        plan.target is not None and plan.target.pk == deployment.pk,
        eligibility.ineligible_reason(deployment, plan.service, None, None),
    )
