"""Finds the service or deployment that a URL names, or raises a 404 that explains itself."""

from __future__ import annotations

import re

from django.http import Http404

from deployments.models import Deployment, Service

IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,120}")


def find_service(slug: str) -> Service:
    """The service with `live` loaded.

    Raises:
        Http404: with a sentence for the page.
    """
    service = Service.objects.select_related("live__restores", "blame").filter(slug=slug).first()
    if service is None:
        raise Http404(f"The portal knows no service called “{slug}”. Nothing was started.")
    return service


def find_deployment(service: Service, provider_id: str) -> Deployment:
    """A deployment of this service by the provider's id.

    Raises:
        Http404: with a sentence for the page.
    """
    if not IDENTIFIER.fullmatch(provider_id):
        raise Http404("That is not the name of a deployment. Nothing was started.")
    rows = Deployment.objects.select_related("service", "restores")
    matches = list(rows.filter(provider_id=provider_id)[:10])
    for deployment in matches:
        if deployment.service_id == service.pk:
            return deployment
    if matches:
        owner = matches[0].service
        raise Http404(
            f"The deployment {provider_id} belongs to {owner}, not to {service}. Nothing was started."
        )
    raise Http404(f"The portal knows no deployment {provider_id} of {service}. Nothing was started.")
