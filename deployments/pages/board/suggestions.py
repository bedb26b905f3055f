"""What is suggested for each service, with its one reason, and why there is no button where there is none.

Where numbers say that nothing is wrong it is one line; else, also where too little is known, a card. Its
button is filled only while something is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.urls import reverse

from deployments.models import OPERATE, Deployment, OperationKind, Service
from deployments.models.served_window import ENOUGH
from deployments.operations import eligibility
from deployments.operations.past.known_good import Suggestion, SuggestionKind
from deployments.operations.previous import Past
from deployments.pages.cards import Card
from rollback_portal.accounts.roles import weakest_role
from rollback_portal.text import clean_line, time_of_day
from rollback_portal.web.badges import Badge

BADGES = {
    SuggestionKind.GOOD: Badge("LAST KNOWN GOOD", "good", "circle"),
    SuggestionKind.PREVIOUS: Badge("PREVIOUS", shape="circle"),
    SuggestionKind.BASE: Badge("BASE", shape="circle"),
}


@dataclass(frozen=True, slots=True)
class SuggestionCard:
    """What could be done for one service.

    Args:
        suggestion: what to go back to; None for the reason in `no_button`.
        url: opens its confirm dialog; "" where that is not possible, for the reason in `no_button`.
        calm: numbers say that nothing is wrong.
        wrong: errors are up, or users get something else: its button is the filled one.
    """

    service: Service
    suggestion: Suggestion | None
    url: str
    button: str
    no_button: str
    calm: bool
    wrong: bool

    @property
    def deployment(self) -> Deployment | None:
        return self.suggestion.deployment if self.suggestion else None

    @property
    def badge(self) -> Badge | None:
        return BADGES[self.suggestion.kind] if self.suggestion else None

    @property
    def reason(self) -> str:
        return self.suggestion.reason if self.suggestion else ""

    @property
    def shown(self) -> tuple[object, ...]:
        """All that it shows, so that a page knows when to draw itself anew."""
        pk = self.deployment.pk if self.deployment else None
        return (self.service.pk, pk, self.reason, self.url, self.no_button, self.calm, self.wrong)


def suggestion_cards(
    cards: Sequence[Card], pasts: Mapping[int, Past], *, may_operate: bool
) -> tuple[SuggestionCard, ...]:
    """One for each card of a page."""
    return tuple(suggestion_for(card, pasts[card.service.pk], may_operate=may_operate) for card in cards)


def suggestion_for(
    card: Card, past: Past, *, may_operate: bool, query: str = "", under_pin: bool = False
) -> SuggestionCard:
    """Make the suggestion for one service.

    Args:
        card: the service as it is now.
        may_operate: whether the person may put a deployment in front of users.
        query: for the address of the dialog, what an alert says.
        under_pin: also offer to go further back than the rollback that stands.
    """
    target = past.suggested
    reason = _why_no_button(card, past, may_operate=may_operate, under_pin=under_pin)
    url = "" if reason or target is None else _dialog(card.service, target, query)
    wrong = bool(card.failing or card.disputed or (card.figures and card.figures.failed_lately))
    return SuggestionCard(
        service=card.service,
        suggestion=past.suggestion,
        url=url,
        button=_button(card.service, target) if target else "",
        no_button=reason,
        calm=not wrong and _is_known_to_be_well(card),
        wrong=wrong,
    )


def _why_no_button(card: Card, past: Past, *, may_operate: bool, under_pin: bool) -> str:
    service, target = card.service, past.suggested
    if target is None:
        return past.why_none
    target.service = service
    if reason := eligibility.ineligible_reason(target, service, card.change, card.pin):
        return reason
    if card.pin is not None and not under_pin:
        since, by = time_of_day(card.pin.pinned_at), clean_line(card.pin.pinned_by, 80)
        return f"{service.short} is pinned since {since} by {by}; the list below goes further back"
    return "" if may_operate else f"needs the role {weakest_role(OPERATE)}"


def _dialog(service: Service, target: Deployment, query: str) -> str:
    promotes = eligibility.operation_kind_for(target) == OperationKind.PROMOTE
    address = reverse("promote" if promotes else "roll_back", args=[service.slug, target.provider_id])
    return f"{address}?{query}".removesuffix("?")


def _button(service: Service, target: Deployment) -> str:
    """With the name of the service: there is one such button for each."""
    text = eligibility.button_text(target)
    return f"Roll back {service.short}" if text == eligibility.ROLL_BACK_TO_THIS else text


def _is_known_to_be_well(card: Card) -> bool:
    """Whether enough requests of the last minutes were counted; what is not known is not well."""
    if card.live is None or card.stale:
        return False
    served = card.service.served
    asked = not card.check_is_old and served.answered and served.total >= ENOUGH
    return asked or bool(card.figures and card.figures.judged)
