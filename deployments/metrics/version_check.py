"""Asks the services' public addresses who serves, how well and how fast, and keeps the answers.

One way for both: what is asked regularly, and what an operation asks of its target. Each round of requests is
also added to what the portal has measured, also while an operation runs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from deployments.clients import public
from deployments.metrics.storage import Point, add_rounds
from deployments.models import Change, MetricSource, Service
from deployments.models.served_window import Round, ServedWindow
from deployments.providers.public.health import HealthRule
from deployments.providers.public.version_check import VersionCheckResult, check_version
from rollback_portal.jobs import clock

TRIES = 5
LONGEST_ROUND = 15.0  # seconds; no service is begun after that. With a slow one, still below a task's limit
SERVICES_AT_ONCE = 32


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
    """Check the followed services, the longest unchecked first, many at the same time."""
    busy = set(Change.objects.active().values_list("service", flat=True))
    services = Service.objects.followed().select_related("live").exclude(addresses=[])
    ordered = services.order_by(F("version_checked_at").asc(nulls_first=True))
    deadline = time.monotonic() + LONGEST_ROUND
    with ThreadPoolExecutor(SERVICES_AT_ONCE) as threads:  # they only ask; this one reads and writes rows
        asked = {threads.submit(_ask_until, deadline, *_question(service)): service for service in ordered}
        for future in as_completed(asked):
            service, result = asked[future], future.result()
            if result is not None:
                live_sha = service.live.commit_sha if service.live else ""
                _save(service.pk, result, None if service.pk in busy else live_sha)


def _question(service: Service) -> tuple[Sequence[str], HealthRule, Any]:
    return service.addresses, service.health_rule, public(service.provider)


def _ask_until(
    deadline: float, addresses: Sequence[str], rule: HealthRule, client: Any
) -> VersionCheckResult | None:
    """None where the time of the round was over before it was this service's turn."""
    if time.monotonic() > deadline:
        return None
    return check_version(addresses, tries=TRIES, client=client, header=settings.VERSION_HEADER, rule=rule)


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
        rule=service.health_rule,
    )
    serves = result.serves(commit_sha) if commit_sha else None
    counted_for = "" if serves is False and not others_count else commit_sha
    window = _save(service.pk, result, counted_for)
    return VersionComparison(serves is False, serves is True, result.message, window, result.asked)


@transaction.atomic
def _save(pk: int, result: VersionCheckResult, commit_sha: str | None) -> ServedWindow:
    """Keep the answers. `commit_sha` is whose they should be; None leaves the count of an operation alone."""
    now = clock.now()
    row = Service.objects.select_for_update().only("served_window").get(pk=pk)
    window = ServedWindow.stored(row.served_window, now)
    if result.asked and commit_sha is not None:
        window = window.with_round(commit_sha, Round(now, result.asked, result.failures))
    Service.objects.filter(pk=pk).update(
        version_check_sha=result.sha[:40],
        version_check_agree=result.agreeing,
        version_check_total=result.total,
        version_check_message=result.message,
        version_checked_at=now if result.total else None,
        addresses_checked=[asdict(one) for one in result.addresses],
        served_window=window.as_json(),
    )
    if result.asked:
        add_rounds([_point(pk, now, result)])
    return window


def _point(pk: int, now: datetime, result: VersionCheckResult) -> Point:
    failed, times = sum(result.failures.values()), result.latencies
    p50, p95 = (quantile(times, share) if times else None for share in (0.5, 0.95))
    return Point(pk, MetricSource.PROBE, now, result.asked, failed, p50, p95)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share of them do not exceed."""
    return sorted(values)[max(math.ceil(len(values) * share) - 1, 0)]
