"""Which services there are: everything a key can see is followed until somebody chooses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.text import slugify

from deployments.models import Service
from deployments.providers.base import RemoteService

MOST_ADDRESSES = 5


@transaction.atomic
def keep_services(provider: str, found: Sequence[RemoteService], now: datetime) -> None:
    """Bring the portal's rows in line with what the provider lists; choices of people stay."""
    known = {
        service.provider_id: service
        for service in Service.objects.select_for_update().filter(provider=provider)
    }
    for remote in found:
        service = known.pop(remote.id, None) or _new(provider, remote)
        _update(service, remote)
        service.save()
    for gone in known.values():
        if gone.missing_since is None:
            gone.missing_since = now
            gone.save(update_fields=["missing_since"])
    _name_the_only_ones()


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
        service.addresses = [address[:300] for address in remote.addresses[:MOST_ADDRESSES]]


def _name_the_only_ones() -> None:
    """An only API is called API, an only web Web; several are told apart by their own names."""
    for kind, word in Service.Kind.choices:
        rows = Service.objects.followed().filter(kind=kind)
        by_discovery = rows.filter(customized=False)
        by_discovery.update(display_name=word if rows.count() == 1 else "")
