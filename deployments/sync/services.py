"""Saves which services exist. Those of production are followed until somebody decides otherwise.

A list never makes a service disappear: one that is not listed is looked up by id first, see `gone.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Case, CharField, Exists, F, OuterRef, Value, When
from django.utils.text import slugify

from deployments.models import Change, Pin, Service
from deployments.models.service import LONGEST_ADDRESS
from deployments.providers.base import RemoteService
from deployments.sync.fit import fits, fitted
from deployments.sync.saving import LISTS_TO_MISS

SAID = (
    "name", "owner_id", "repository", "branch", "dashboard_url", "suspended", "suspended_by", "maintenance",
    "environment", "followed", "kind", "addresses",
    "missing_since", "unlisted", "looked_at",
)  # fmt: skip


@transaction.atomic
def save_services(provider: str, listed: Sequence[RemoteService]) -> None:
    """Update the rows from the provider's list; what people have chosen stays. An empty list says nothing."""
    known = {
        service.provider_id: service
        for service in Service.objects.select_for_update().filter(provider=provider)
    }
    remotes = {remote.id: remote for remote in listed if fits(remote.id)}
    for remote in remotes.values():
        _save(known.get(remote.id) or _new(provider, remote), remote)
    if remotes:
        others = Service.objects.filter(provider=provider, unlisted__lt=LISTS_TO_MISS)
        others.exclude(provider_id__in=remotes).update(unlisted=F("unlisted") + 1)
    _name_single_services()


def _save(service: Service, remote: RemoteService) -> None:
    before = [getattr(service, name) for name in SAID]
    _update(service, remote)
    fitted(service)
    if service._state.adding:
        service.save()
    elif before != [getattr(service, name) for name in SAID]:
        service.save(update_fields=SAID)


def _new(provider: str, remote: RemoteService) -> Service:
    last = Service.objects.order_by("-position").values_list("position", flat=True).first()
    return Service(
        provider=provider,
        provider_id=remote.id,
        slug=_free_slug(remote.name or remote.id, provider),
        kind=remote.kind,
        followed=remote.production,
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
    service.name, service.owner_id = remote.name, remote.owner_id
    service.repository, service.branch = remote.repository, remote.branch
    if 0 < len(remote.dashboard_url) <= 500:
        service.dashboard_url = remote.dashboard_url
    service.suspended, service.suspended_by = remote.suspended, ", ".join(remote.suspended_by)
    service.maintenance = remote.maintenance
    if remote.environment and not service.environment:
        _decide_followed(service, remote)
    service.environment = remote.environment or service.environment
    service.missing_since, service.unlisted, service.looked_at = None, 0, None
    if not service.customized:
        service.kind = remote.kind
    if not service.addresses_customized and (remote.addresses_known or not service.addresses):
        service.addresses = [address for address in remote.addresses if fits(address, LONGEST_ADDRESS)]


def _decide_followed(service: Service, remote: RemoteService) -> None:
    """When the name of its environment is learned, which may be later than that the service exists.

    What a person has chosen stays, and what has a pin or an operation stays on the page.
    """
    if service.customized or remote.production == service.followed:
        return
    is_in_use = Pin.objects.standing().filter(service=service.pk).exists()
    is_in_use = is_in_use or Change.objects.active().filter(service=service.pk).exists()
    if remote.production or not is_in_use:
        service.followed = remote.production


def _name_single_services() -> None:
    """A single API is called "API" and a single web service "Web"; several go by their own names.

    One statement, so that it cannot count before, and name after, another provider's service was saved.
    """
    others = Service.objects.followed().filter(kind=OuterRef("kind")).exclude(pk=OuterRef("pk"))
    labels = [When(kind=kind, then=Value(label)) for kind, label in Service.Kind.choices]
    name = Case(When(Exists(others), then=Value("")), *labels, output_field=CharField())
    rows = Service.objects.followed().filter(customized=False).annotate(name_then=name)
    rows.exclude(display_name=F("name_then")).update(display_name=F("name_then"))
