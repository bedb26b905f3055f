"""Asks from outside who serves a service, and keeps the answer in its row for the pages to show."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from deployments.clients import public
from deployments.models import Service
from deployments.providers.version_check import ServedAnswer, who_serves

TRIES = 5


@dataclass(frozen=True, slots=True)
class Checked:
    """`wrong` only where users are known to get something else; what cannot be known is not wrong."""

    wrong: bool
    certain: bool
    message: str


def check_served(service: Service, commit_sha: str) -> Checked:
    """Ask every public address of the service and compare with the commit that should serve."""
    answer = who_serves(
        service.addresses, tries=TRIES, client=public(service.provider), header=settings.VERSION_HEADER
    )
    _keep(service, answer)
    serves = answer.serves(commit_sha) if commit_sha else None
    return Checked(serves is False, serves is True, answer.message)


def _keep(service: Service, answer: ServedAnswer) -> None:
    Service.objects.filter(pk=service.pk).update(
        version_check_sha=answer.sha[:40],
        version_check_agree=answer.agree,
        version_check_total=answer.of,
        version_check_message=answer.message,
        version_checked_at=timezone.now() if answer.of else None,
    )
