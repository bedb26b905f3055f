"""Asks a service's public addresses which commit they serve, and saves the answer for the pages."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import F

from deployments.clients import public
from deployments.models import Change, Service
from deployments.models.served_window import Round, ServedWindow
from deployments.providers.public.version_check import VersionCheckResult, check_version
from rollback_portal.jobs import clock

TRIES = 5
LONGEST_ROUND = 15.0  # seconds; no service is begun after that. With a slow one, still below a task's limit


@dataclass(frozen=True, slots=True)
class VersionComparison:
    """The public addresses against the expected commit; both flags are False where nothing can be known.

    Attributes:
        wrong: users are known to get something else.
        certain: users are known to get the expected commit.
        message: the result in a sentence.
        window: how the requests to this commit went in the last minutes.
        asked: how many requests there were just now; 0 where no address is known, or none may be asked.
    """

    wrong: bool
    certain: bool
    message: str
    window: ServedWindow
    asked: int


def check_followed_services() -> None:
    """Check the followed services that have no operation under way, the longest unchecked first."""
    deadline = time.monotonic() + LONGEST_ROUND
    busy = Change.objects.active().values("service")
    services = Service.objects.followed().select_related("live").exclude(addresses=[]).exclude(pk__in=busy)
    for service in services.order_by(F("version_checked_at").asc(nulls_first=True)):
        if time.monotonic() > deadline:
            return
        compare_live_version(service, service.live.commit_sha if service.live else "")


def compare_live_version(
    service: Service, commit_sha: str, *, others_count: bool = True, answers: int = 0
) -> VersionComparison:
    """Ask every public address of the service and compare with the commit that should be live.

    Saves what they answered in the service's row. `commit_sha` may be "" where nothing is expected. With
    `others_count=False` the requests of a check that another commit answered are not counted as this one's.
    So many `answers` are asked for at once, as long as each is good and by the commit.
    """
    result = check_version(
        service.addresses,
        tries=TRIES,
        answers=answers,
        commit_sha=commit_sha,
        client=public(service.provider),
        header=settings.VERSION_HEADER,
    )
    serves = result.serves(commit_sha) if commit_sha else None
    counted_for = "" if serves is False and not others_count else commit_sha
    window = _save(service.pk, result, counted_for)
    return VersionComparison(serves is False, serves is True, result.message, window, result.asked)


@transaction.atomic
def _save(pk: int, result: VersionCheckResult, commit_sha: str) -> ServedWindow:
    now = clock.now()
    row = Service.objects.select_for_update().only("served_window").get(pk=pk)
    window = ServedWindow.stored(row.served_window, now)
    if result.asked:
        window = window.with_round(commit_sha, Round(now, result.asked, result.failures))
    Service.objects.filter(pk=pk).update(
        version_check_sha=result.sha[:40],
        version_check_agree=result.agreeing,
        version_check_total=result.total,
        version_check_message=result.message,
        version_checked_at=now if result.total else None,
        served_window=window.as_json(),
    )
    return window
