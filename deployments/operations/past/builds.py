"""Which build each deployment serves: at Render a rollback is a deployment of its own, with another's build.

That other one may itself be a rollback, so a build is found at the end of the chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q

from deployments.models import Change, Deployment, Service
from deployments.providers.json_fields import EPOCH, stated


class Built(NamedTuple):
    """A deployment that was built, and when."""

    pk: int
    at: datetime


class _Copy(NamedTuple):
    """A deployment that serves the build of another one."""

    pk: int
    provider_id: str
    service_id: int
    commit_sha: str
    created_at: datetime
    restores_id: int | None
    restores__created_at: datetime | None


class Builds:
    """The builds behind the deployments of some services, in at most three queries."""

    def __init__(self, services: Iterable[Service]) -> None:
        copies = self._copies(services)
        self._copied = {copy.pk for copy in copies}
        origins = {
            copy.pk: Built(copy.restores_id, copy.restores__created_at)
            for copy in copies
            if copy.restores_id is not None and copy.restores__created_at is not None
        }
        if unknown := [copy for copy in copies if copy.pk not in origins]:
            origins |= _ordered(unknown)
            origins |= _of_same_commit([copy for copy in unknown if copy.pk not in origins])
        self._restored = {pk: origin.pk for pk, origin in origins.items()}
        self._built_at = dict(origins.values())

    @staticmethod
    def _copies(services: Iterable[Service]) -> list[_Copy]:
        ids = [service.pk for service in services if service.provider == Service.ProviderChoice.RENDER]
        if not ids:
            return []
        copies = Deployment.objects.filter(Q(trigger="rollback") | Q(restores__isnull=False), service__in=ids)
        return [_Copy(*values) for values in copies.values_list(*_Copy._fields)]

    def pk(self, deployment_pk: int) -> int:
        """The primary key of the deployment whose build this one serves."""
        seen = set()
        while deployment_pk in self._restored and deployment_pk not in seen:
            seen.add(deployment_pk)
            deployment_pk = self._restored[deployment_pk]
        return deployment_pk

    def built_at(self, deployment_pk: int, created_at: datetime) -> datetime | None:
        """When the build of this deployment was made; None where the provider or a rollback does not say."""
        origin = self.pk(deployment_pk)
        if origin in self._copied:
            return None
        return stated(self._built_at.get(origin, created_at))


def _ordered(copies: Sequence[_Copy]) -> dict[int, Built]:
    """What the portal's own orders asked for."""
    pks = {(copy.service_id, copy.provider_id): copy.pk for copy in copies}
    changes = Change.objects.filter(
        service__in={copy.service_id for copy in copies},
        provider_ref__in=[copy.provider_id for copy in copies],
        to_deployment__isnull=False,
    )
    rows = changes.values_list("service_id", "provider_ref", "to_deployment_id", "to_deployment__created_at")
    return {
        pks[service, ref]: Built(to, at)
        for service, ref, to, at in rows
        if (service, ref) in pks and to is not None
    }


def _of_same_commit(copies: Sequence[_Copy]) -> dict[int, Built]:
    """Where nothing names it: the newest earlier build of the same commit."""
    named = [copy for copy in copies if copy.commit_sha]
    if not named:
        return {}
    builds = Deployment.objects.filter(
        service__in={copy.service_id for copy in named},
        commit_sha__in={copy.commit_sha for copy in named},
        restores=None,
        production=True,
    ).exclude(Q(trigger="rollback") | Q(created_at=EPOCH))
    found: dict[int, Built] = {}
    for service_id, sha, pk, at in builds.values_list("service_id", "commit_sha", "pk", "created_at"):
        for copy in named:
            same = (copy.service_id, copy.commit_sha) == (service_id, sha) and at < copy.created_at
            if same and (copy.pk not in found or found[copy.pk].at < at):
                found[copy.pk] = Built(pk, at)
    return found
