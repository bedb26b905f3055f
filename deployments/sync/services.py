"""Saves which services exist. Everything that a key can see is followed until somebody decides otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.text import slugify

from deployments.models import Service
from deployments.models.service import LONGEST_ADDRESS, MOST_ADDRESSES
from deployments.providers.base import RemoteService


@transaction.atomic
def save_services(provider: str, listed: Sequence[RemoteService], now: datetime) -> None:
    """Update the rows from the provider's list; what people have chosen stays."""
    known = {
        service.provider_id: service
        for service in Service.objects.select_for_update().filter(provider=provider)
    }
    for remote in listed:
        service = known.pop(remote.id, None) or _new(provider, remote)
        _update(service, remote)
        service.save()
    for service in known.values():
        if service.missing_since is None:
            service.missing_since = now
            service.save(update_fields=["missing_since"])
    _name_single_services()


def _new(provider: str, remote: RemoteService) -> Service:
    last = Service.objects.order_by("-position").values_list("position", flat=True).first()
    return Service(
        provider=provider,
        provider_id=remote.id,
        slug=_free_slug(remote.name or remote.id, provider),
        kind=remote.kind,
        group=remote.repository.rstrip("/").rsplit("/", 1)[-1][:60] or remote.name[:60],
        position=0 if last is None else last + 1,
    )


def _free_slug(name: str, provider: str) -> str:
    base = slugify(name)[:80] or provider
    for candidate in (
        base,
        f"{base}-{provider}",
        *(f"{base}-{provider}-{number}" for number in range(2, 1000)),
    ):
        if not Service.objects.filter(slug=candidate).exists():
            return candidate
    raise RuntimeError(f"More than a thousand services are called {name}.")


def _update(service: Service, remote: RemoteService) -> None:
    service.name = remote.name[:120]
    service.owner_id = remote.owner_id[:80]
    service.repository = remote.repository[:300]
    service.branch = remote.branch[:200]
    service.dashboard_url = remote.dashboard_url[:500]
    service.suspended = remote.suspended
    service.missing_since = None
    if not service.customized:
        service.kind = remote.kind
    if not service.addresses_customized:
        service.addresses = [address[:LONGEST_ADDRESS] for address in remote.addresses[:MOST_ADDRESSES]]


def _name_single_services() -> None:
    """A single API is called "API" and a single web service "Web"; several go by their own names."""
    for kind, label in Service.Kind.choices:
        rows = Service.objects.followed().filter(kind=kind)
        not_customized = rows.filter(customized=False)
        not_customized.update(display_name=label if rows.count() == 1 else "")
