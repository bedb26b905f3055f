"""Asks a service's public addresses which commit they serve, and saves the answer for the pages."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from deployments.clients import public
from deployments.models import Service
from deployments.providers.version_check import VersionCheckResult, check_version

TRIES = 5


@dataclass(frozen=True, slots=True)
class VersionComparison:
    """The public addresses against the expected commit; both flags are False where nothing can be known.

    Attributes:
        wrong: users are known to get something else.
        certain: users are known to get the expected commit.
        message: the result in a sentence.
    """

    wrong: bool
    certain: bool
    message: str


def compare_live_version(service: Service, commit_sha: str) -> VersionComparison:
    """Ask every public address of the service and compare with the commit that should be live.

    Saves what they answered in the service's row. `commit_sha` may be "" where nothing is expected.
    """
    result = check_version(
        service.addresses, tries=TRIES, client=public(service.provider), header=settings.VERSION_HEADER
    )
    _save(service, result)
    serves = result.serves(commit_sha) if commit_sha else None
    return VersionComparison(serves is False, serves is True, result.message)


def _save(service: Service, result: VersionCheckResult) -> None:
    Service.objects.filter(pk=service.pk).update(
        version_check_sha=result.sha[:40],
        version_check_agree=result.agreeing,
        version_check_total=result.total,
        version_check_message=result.message,
        version_checked_at=timezone.now() if result.total else None,
    )
