"""Which services need the card with the commands, on which page, and to which deployment they go.

The portal cannot act where a provider fails or refuses its key, or where nobody works on operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone

from deployments.history import previous_of
from deployments.models import Change, Deployment, Kind, Pin, ProviderStatus, Service
from deployments.operations.plan import Plan
from deployments.pages import manual_commands
from deployments.pages.current_state import Standing, what_holds
from deployments.pages.manual_commands import Account, ByHand
from rollback_portal.jobs.process.heartbeats import can_execute


@dataclass(frozen=True, slots=True)
class Fallback:
    """What the portal cannot do now, and how it is done without it."""

    message: str
    cards: Sequence[ByHand]


def for_page(standing: Standing) -> Sequence[ByHand]:
    """The cards of the services that the portal cannot act on; empty while it can."""
    needed = [
        service
        for service in standing.services
        if not standing.process_status.can_execute or standing.fresh(service).down
    ]
    return _back(needed, standing) if needed else ()


def for_dialog(plan: Plan, reading: ProviderStatus | None) -> Fallback | None:
    """What stands in the dialog of an operation that would have to wait or would meet a failing provider."""
    if not can_execute():
        message = (
            "No dispatcher has been heard for 40 s: what you start is kept, but waits until one is back; "
            f"after {Change.INTENT_EXPIRES.seconds // 60} minutes it is not run any more."
        )
    elif reading is None or reading.error or reading.tone(timezone.now()) == "bad":
        message = _trouble(plan.service.get_provider_display(), reading)
    else:
        return None
    return Fallback(message, (_card(plan.service, plan.target, plan.pin, plan.kind),))


def _trouble(provider: str, reading: ProviderStatus | None) -> str:
    if reading is not None and reading.key_refused:
        return (
            f"{provider} refuses the portal's key: unless somebody has changed it since, "
            "the operation fails, and nothing is changed."
        )
    return f"{provider} does not answer as it should: the operation asks again until it does."


def for_change(change: Change, pin: Pin | None) -> ByHand | None:
    """What a person can do where a change failed, may or may not be done, or waits with nobody at work."""
    waits_for_nobody = change.active and not can_execute()
    if not waits_for_nobody and change.status not in {"failed", "needs_attention"}:
        return None
    card = _card(change.service, change.to_deployment, pin, change.operation.kind, change.auto_deploy_before)
    return card if card.steps or card.leave else None


def last_known() -> str:
    """The cards of all followed services as HTML, to be kept for the time when PostgreSQL is away."""
    standing = what_holds(Service.objects.for_dashboard())
    cards = _back(standing.services, standing)
    return "".join(render_to_string("deployments/_by_hand.html", {"card": card}) for card in cards)


def _back(services: Iterable[Service], standing: Standing) -> Sequence[ByHand]:
    """To what served before, for each; under a pin that is never what was rolled back from."""
    chosen = list(services)
    before = previous_of(chosen)
    return [_card(each, before.get(each.pk), standing.pins.get(each.pk), Kind.ROLL_BACK) for each in chosen]


def _card(
    service: Service, target: Deployment | None, pin: Pin | None, kind: str, earlier: str = ""
) -> ByHand:
    known = pin.auto_deploy_before if pin is not None else earlier or service.auto_deploy
    promote = kind in {Kind.PROMOTE, Kind.LEAVE}  # Vercel brings back by promoting what was left
    return manual_commands.card(service, target, _account(service.provider), before=known, promote=promote)


def _account(provider: str) -> Account:
    config = settings.PROVIDERS[provider]
    return Account(str(config["url"]), str(config.get("team", "")))
