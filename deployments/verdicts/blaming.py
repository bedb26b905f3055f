"""Is a deployment to blame? Looked for while errors are up, for all services; pages only read the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from deployments.analysis.blame import Blame, BlameKind, WentLive, blame
from deployments.analysis.blame_sentence import blame_sentence
from deployments.metrics.series import Span, share_and_latency
from deployments.models import Change, LivePeriod, Service, ServiceBlame
from deployments.verdicts.traffic import traffic_as_read
from rollback_portal.jobs import clock

EVERY = timedelta(seconds=30)
RECENT = timedelta(minutes=5)
SEARCHED = timedelta(hours=24)
GIVEN_FOR = timedelta(hours=1)  # after an operation that was requested with an incident's beginning
MOST_AT_ONCE = 10  # services of one pass; the ones looked at longest ago first


def look_for_causes() -> None:
    """Look at each followed service whose errors are up, and forget what was found of the others."""
    now = clock.now()
    services = list(Service.objects.followed())
    wanted = _errors_up(services, now) | _incident_given(now)
    ServiceBlame.objects.exclude(service__in=wanted).delete()
    known = dict(ServiceBlame.objects.values_list("service", "judged_at"))
    oldest = datetime.min.replace(tzinfo=now.tzinfo)
    chosen = sorted(wanted, key=lambda pk: known.get(pk, oldest))[:MOST_AT_ONCE]
    _save(find_causes(chosen, now), now)


def find_causes(services: Sequence[int], now: datetime) -> Mapping[int, tuple[Blame, LivePeriod | None]]:
    """What the numbers of the last day say of each service, with what is named. Two queries, however many."""
    since = now - SEARCHED
    points = traffic_as_read(services, since, now)
    periods: dict[int, list[LivePeriod]] = defaultdict(list)
    went_live = LivePeriod.objects.filter(service__in=services, since__gte=since, since__lt=now)
    for period in went_live.select_related("deployment"):
        periods[period.service_id].append(period)
    found = {}
    for pk in services:
        own = periods[pk]
        answer = blame(
            points.get(pk, ()), [WentLive(period.deployment.short_sha, period.since) for period in own]
        )
        found[pk] = (answer, _named(answer, own))
    return found


def _named(answer: Blame, periods: Iterable[LivePeriod]) -> LivePeriod | None:
    if answer.kind != BlameKind.AFTER_DEPLOYMENT or answer.deployment is None:
        return None
    return next((period for period in periods if period.since == answer.deployment.at), None)


def _errors_up(services: Sequence[Service], now: datetime) -> set[int]:
    """More than the stated share failed in the last minutes. Two queries at most."""
    measured = share_and_latency([Span(service.pk, now - RECENT, now) for service in services], now)
    return {
        service.pk
        for service, one in zip(services, measured, strict=True)
        if (one is not None and one.failing) or service.served.failing
    }


def _incident_given(now: datetime) -> set[int]:
    changes = Change.objects.filter(
        operation__requested_at__gte=now - GIVEN_FOR, operation__incident_began_at__isnull=False
    )
    return set(changes.values_list("service", flat=True))


@transaction.atomic
def _save(found: Mapping[int, tuple[Blame, LivePeriod | None]], now: datetime) -> None:
    rows = [
        ServiceBlame(
            service_id=pk,
            kind=answer.kind.value,
            sentence=blame_sentence(answer),
            began_at=answer.onset.began if answer.onset else None,
            deployment=named.deployment if named else None,
            judged_at=now,
        )
        for pk, (answer, named) in sorted(found.items())
    ]
    ServiceBlame.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["service"],
        update_fields=["kind", "sentence", "began_at", "deployment", "judged_at"],
    )
