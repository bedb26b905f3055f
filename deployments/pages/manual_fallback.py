"""Which services need a card with manual commands, on which page, and to which deployment they lead.

The portal cannot act when a provider fails or refuses the key, or when no dispatcher is alive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone

from deployments.models import Change, Deployment, OperationKind, Pin, ProviderStatus, Service
from deployments.operations.plan import Plan
from deployments.operations.previous import Past, past_of
from deployments.pages.current_state import CurrentState, load_current_state
from deployments.pages.manual_commands import ManualCommands, ProviderAccount, commands_for
from rollback_portal.jobs.process.heartbeats import can_execute


@dataclass(frozen=True, slots=True)
class ManualFallback:
    """Why the portal may not be able to act now, and the commands that work without it."""

    message: str
    cards: Sequence[ManualCommands]


def out_of_reach(state: CurrentState) -> list[Service]:
    """The services that the portal cannot act on now."""
    return [
        service
        for service in state.services
        if not state.process_status.can_execute or state.freshness_of(service).down
    ]


def for_page(state: CurrentState, pasts: Mapping[int, Past]) -> Sequence[ManualCommands]:
    """A card for each service out of reach.

    Args:
        pasts: that of each of them, by primary key; the page has loaded them with those of its rows.
    """
    return _cards_to_suggested(out_of_reach(state), state, pasts)


def for_dialog(plan: Plan, status: ProviderStatus | None) -> ManualFallback | None:
    """For an operation that would have to wait or would meet a failing provider; None otherwise."""
    if not can_execute():
        message = (
            "No dispatcher has sent a heartbeat for 40 s: what you start is kept until one is back; "
            f"after {Change.INTENT_EXPIRES.seconds // 60} minutes it is no longer run."
        )
    elif status is None or status.error or status.tone(timezone.now()) == "bad":
        message = _provider_problem(plan.service.get_provider_display(), status)
    else:
        return None
    return ManualFallback(message, (_card(plan.service, plan.target, plan.pin, plan.kind),))


def _provider_problem(provider: str, status: ProviderStatus | None) -> str:
    if status is not None and status.key_refused:
        return (
            f"{provider} refuses the portal's key: unless somebody has replaced it since, "
            "the operation will fail and nothing is changed."
        )
    return f"{provider} is not answering properly: the operation keeps trying until it does."


def for_change(change: Change, pin: Pin | None, *, overdue: bool = False) -> ManualCommands | None:
    """For a change that failed, has an unknown result, is overdue or waits for a dispatcher; else None."""
    is_stuck = change.active and (overdue or not can_execute())
    if not is_stuck and change.status not in {"failed", "needs_attention"}:
        return None
    card = _card(change.service, change.to_deployment, pin, change.operation.kind, change.auto_deploy_before)
    return card if card.steps or card.leave else None


def last_known() -> str:
    """The cards of all followed services as HTML, stored for the time when PostgreSQL is away."""
    state = load_current_state(Service.objects.for_dashboard())
    cards = _cards_to_suggested(state.services, state, past_of(state.services))
    return "".join(render_to_string("deployments/_manual_commands.html", {"card": card}) for card in cards)


def _cards_to_suggested(
    services: Iterable[Service], state: CurrentState, pasts: Mapping[int, Past]
) -> Sequence[ManualCommands]:
    """Back to what is suggested; for a pinned service that is never what was rolled back from."""
    return [
        _card(service, pasts[service.pk].suggested, state.pins.get(service.pk), OperationKind.ROLL_BACK)
        for service in services
    ]


def _card(
    service: Service, target: Deployment | None, pin: Pin | None, kind: str, auto_deploy_before: str = ""
) -> ManualCommands:
    before = pin.auto_deploy_before if pin is not None else auto_deploy_before or service.auto_deploy
    promote = kind in {
        OperationKind.PROMOTE,
        OperationKind.LEAVE,
    }  # leaving promotes what was rolled back from
    return commands_for(service, target, _account(service.provider), before=before, promote=promote)


def _account(provider: str) -> ProviderAccount:
    config = settings.PROVIDERS[provider]
    return ProviderAccount(str(config["url"]), str(config.get("team", "")))
