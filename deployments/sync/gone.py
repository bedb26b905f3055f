"""Looks up by id what was missing from complete lists, because a list can be wrong, short or empty.

Something is gone only when the provider says so when asked for it. What is called gone is looked up again now
and then, so that it comes back by itself, also where it is beyond the first page of a list.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import F, Q, QuerySet

from deployments.models import Deployment, Service
from deployments.providers.base import Missing, Provider, ProviderError, ShareUsedUp
from deployments.sync.circuit_breaker import concerns_provider
from deployments.sync.reading import look_at
from deployments.sync.saving import LISTS_TO_MISS, save_look
from rollback_portal.jobs import clock

LOOKS = 5  # of each kind, in one reading of a provider
LOOK_AGAIN = timedelta(minutes=10)

Row = TypeVar("Row", Service, Deployment)


def look_for_unlisted(name: str, provider: Provider) -> None:
    """Look up a few services and deployments that were not listed, least recently looked up first.

    A failed lookup changes nothing.
    """
    now = clock.now()
    services = Service.objects.filter(provider=name)
    deployments = Deployment.objects.filter(service__in=services.followed()).select_related("service")
    try:
        for service in _due(services, now):
            _look_at_service(service, provider, now)
        for deployment in _due(deployments, now):
            _look_at_deployment(deployment, provider, now)
    except ProviderError:
        return


def _due(rows: QuerySet[Row], now: datetime) -> QuerySet[Row]:
    unlisted = Q(unlisted__gte=LISTS_TO_MISS) | Q(missing_since__isnull=False)
    due = Q(looked_at=None) | Q(looked_at__lt=now - LOOK_AGAIN)
    return rows.filter(unlisted, due).order_by(F("looked_at").asc(nulls_first=True), "pk")[:LOOKS]


def _look_at_service(service: Service, provider: Provider, now: datetime) -> None:
    gone = service.missing_since is not None
    try:
        provider.service(service.provider_id)
        gone = False
    except Missing:
        gone = True
    except ProviderError as error:
        _end_if_pointless(error)
    service.missing_since, service.looked_at = (service.missing_since or now) if gone else None, now
    service.save(update_fields=["missing_since", "looked_at"])


def _look_at_deployment(deployment: Deployment, provider: Provider, now: datetime) -> None:
    try:
        save_look(deployment, look_at(deployment, provider), now)
    except Missing:
        save_look(deployment, None, now)
    except ProviderError as error:
        _end_if_pointless(error)
        Deployment.objects.filter(pk=deployment.pk).update(looked_at=now)


def _end_if_pointless(error: ProviderError) -> None:
    if isinstance(error, ShareUsedUp) or concerns_provider(error):
        raise error
