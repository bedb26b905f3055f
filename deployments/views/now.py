"""`/now`: from the link in an alert to the confirm dialog of the suggested deployment."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from deployments.forms.alert_link import AlertLink
from deployments.models import Service
from deployments.operations.previous import past_of
from deployments.pages.board.suggestions import SuggestionCard, suggestion_for
from deployments.pages.cards import cards_for
from deployments.pages.current_state import load_current_state
from rollback_portal.web.pages import page


@require_safe
def now(request: HttpRequest) -> HttpResponse:
    """Open the dialog of the service that the link names, or say why there is none and what else there is."""
    link = AlertLink(request.GET.dict(), timezone.now())
    named = _named(link.service)
    unknown = bool(link.service) and not named
    suggestions = _suggestions(named or list(Service.objects.for_dashboard()), link)
    if len(suggestions) == 1 and suggestions[0].url and not unknown:
        for complaint in link.complaints:
            messages.warning(request, complaint)
        return HttpResponseRedirect(suggestions[0].url)
    context = {"link": link, "suggestions": suggestions, "unknown": unknown, "several": len(named) > 1}
    return page(request, "deployments/now.html", context, status=404 if unknown else 200)


def _named(name: str) -> list[Service]:
    """The services that an alert may mean: monitors often write “Shop API” for shop-api."""
    if not name:
        return []
    services = Service.objects.select_related("live__restores")
    return services.named(name) or services.named(slugify(name))


def _suggestions(services: list[Service], link: AlertLink) -> list[SuggestionCard]:
    """Whether the person may do it, the dialog says; who follows an alert may go further back, too."""
    state, pasts = load_current_state(services), past_of(services)
    return [
        suggestion_for(card, pasts[card.service.pk], may_operate=True, query=link.query(), under_pin=True)
        for card in cards_for(tuple(services), state)
    ]
