"""`/now`: from the link in an alert to the confirm dialog of the suggested deployment."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from deployments.forms.alert_link import AlertLink
from deployments.models import Deployment, OperationKind, Service
from deployments.operations import eligibility
from deployments.operations.previous import previous_of
from deployments.pages.current_state import CurrentState, load_current_state
from rollback_portal.web.pages import page


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What could be done for one service.

    Args:
        deployment: what served before this incident; None where nothing that did can serve.
        url: opens its confirm dialog; "" where that is not possible, for the `reason`.
        button: what the dialog would do.
    """

    service: Service
    deployment: Deployment | None
    url: str
    reason: str
    button: str = ""


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


def _suggestions(services: list[Service], link: AlertLink) -> list[Suggestion]:
    state, found = load_current_state(services), previous_of(services)
    return [_suggestion(service, found.get(service.pk), state, link) for service in services]


def _suggestion(
    service: Service, deployment: Deployment | None, state: CurrentState, link: AlertLink
) -> Suggestion:
    if deployment is None:
        reason = "no earlier deployment is known that can still serve and was not rolled back from"
        return Suggestion(service, None, "", reason)
    deployment.service = service
    reason = eligibility.ineligible_reason(
        deployment, service, state.changes.get(service.pk), state.pins.get(service.pk)
    )
    if reason:
        return Suggestion(service, deployment, "", reason)
    promotes = eligibility.operation_kind_for(deployment) == OperationKind.PROMOTE
    dialog = reverse("promote" if promotes else "roll_back", args=[service.slug, deployment.provider_id])
    address = f"{dialog}?{link.query()}".removesuffix("?")
    return Suggestion(service, deployment, address, "", eligibility.button_text(deployment))
