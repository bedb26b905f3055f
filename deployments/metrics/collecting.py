"""Reads the providers' metrics, service by service: the ones longest due first, watched ones much sooner.

Each part of a service has an age, an error and a pause of its own. Where the portal's share of the rate limit
is used up, the next pass goes on. What an outage left out is read later, the newest of it first.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db.models import Q

from deployments.metrics.pace import PARTS, WATCHED_FOR, watched_every
from deployments.metrics.samples import points_of
from deployments.metrics.storage import save_points
from deployments.models import ACTIVE, Change, MetricReading, Service
from deployments.models.metric_point import POINTS_KEPT
from deployments.providers.base import (
    Busy,
    Metric,
    Provider,
    ProviderError,
    RateLimited,
    Refused,
    Sample,
    ShareUsedUp,
)
from deployments.sync import circuit_breaker
from rollback_portal.jobs import clock
from rollback_portal.text import clean_line

LONGEST_PASS = 12.0  # seconds; no reading is begun after that
WINDOW = timedelta(hours=1)  # of a reading: 120 points a series
SHORTEST_WINDOW = timedelta(minutes=10)  # after failures: a provider may refuse so many points
AGAIN = timedelta(minutes=5)  # that were read already, because points come late
LONGEST_PAUSE = timedelta(minutes=5)  # after failures
WATCHED_FIRST = 10  # times less late than others a watched service becomes
PART_OF_GAP = timedelta(minutes=1)  # smaller ones are closed by the readings themselves


def collect(name: str, provider: Provider) -> None:
    """Read what is due, as far as time and rate limit allow. Provider failures are saved, not raised."""
    if not circuit_breaker.allows(name):
        return
    deadline = time.monotonic() + LONGEST_PASS
    _begin_readings(name)
    now = clock.now()
    watched = _watched(now)
    often = watched_every(Service.objects.followed().filter(provider=name).count())
    for reading in _due(name, now, watched):
        every = often if _is_watched(reading, watched) else PARTS[reading.part].every
        if time.monotonic() > deadline or not _read(reading, provider, every):
            return
    for reading in MetricReading.objects.filter(service__provider=name, failures=0).exclude(gap_to=None):
        if time.monotonic() > deadline or not _fill_gap(reading, provider):
            return


def _begin_readings(name: str) -> None:
    now = clock.now()
    for part in MetricReading.MetricGroup:
        new = Service.objects.followed().filter(provider=name).exclude(metric_readings__part=part)
        rows = [MetricReading(service=service, part=part, due_at=now) for service in new]
        MetricReading.objects.bulk_create(rows, ignore_conflicts=True)


def _is_watched(reading: MetricReading, watched: set[int]) -> bool:
    return reading.part == MetricReading.MetricGroup.TRAFFIC and reading.service_id in watched


def _due(name: str, now: datetime, watched: set[int]) -> list[MetricReading]:
    """Those first that are late by the most of their own turns; one that is watched is later sooner."""
    followed = Service.objects.followed().filter(provider=name)
    longest = LONGEST_PAUSE + max(part.every for part in PARTS.values())
    ahead = Q(due_at__gt=now + longest)  # written by a clock that was wrong
    rows = MetricReading.objects.filter(Q(due_at__lte=now) | ahead, service__in=followed)

    def turns_late(reading: MetricReading) -> float:
        late = (now - reading.due_at) / PARTS[reading.part].every
        return late * WATCHED_FIRST if _is_watched(reading, watched) else late

    return sorted(rows.select_related("service"), key=turns_late, reverse=True)


def _watched(now: datetime) -> set[int]:
    """Services with an operation under way, or with a deployment or an operation of the last hour."""
    since = now - WATCHED_FOR
    changes = Change.objects.filter(Q(status__in=ACTIVE) | Q(ended_at__gte=since))
    fresh = Service.objects.filter(live__live_since__gte=since)
    return {*changes.values_list("service", flat=True), *fresh.values_list("pk", flat=True)}


# --- One reading ---


def _read(reading: MetricReading, provider: Provider, every: timedelta) -> bool:
    """Read what is new, and again after `every`. Returns whether the provider may be asked on."""
    now, due_at = clock.now(), reading.due_at
    later = now + every
    if not MetricReading.objects.filter(pk=reading.pk, due_at=due_at).update(due_at=later):
        return True  # by another process
    since = now - max(WINDOW / 2**reading.failures, SHORTEST_WINDOW)
    if reading.read_until and since < reading.read_until <= now:
        since = max(since, reading.read_until - AGAIN)
    error, refused = _ask(reading, provider, since, now)
    if isinstance(error, ShareUsedUp):
        MetricReading.objects.filter(pk=reading.pk).update(due_at=due_at)
        return False
    if error is not None:
        return _save_failure(reading, error)
    _save_success(reading, since, now, refused)
    return True


def _ask(
    reading: MetricReading, provider: Provider, since: datetime, until: datetime
) -> tuple[ProviderError | None, str]:
    """Ask for each metric of the part, and save the points that came.

    Returns the error, and what the provider refuses to give although it gives the rest (latency needs a paid
    plan at Render, for instance).
    """
    samples: dict[Metric, list[Sample]] = {}
    error: ProviderError | None = None
    refusals: list[Refused] = []
    for metric in PARTS[reading.part].metrics:
        try:
            found = provider.metrics(reading.service.provider_id, metric, since=since, until=until)
            samples[metric] = list(found)
        except Refused as refusal:
            refusals.append(refusal)
        except ProviderError as failure:
            error = failure
            if isinstance(failure, ShareUsedUp) or circuit_breaker.concerns_provider(failure):
                break
    save_points(points_of(reading.service_id, samples))
    if error is None and refusals and not samples:
        return refusals[0], ""
    return error, clean_line("; ".join(map(str, refusals)), 300)


def _save_success(reading: MetricReading, since: datetime, until: datetime, refused: str) -> None:
    """A reading that does not reach back to the one before it leaves a gap."""
    oldest = until - POINTS_KEPT
    before = reading.read_until if reading.read_until and reading.read_until <= until else oldest
    if since - before > PART_OF_GAP:
        reading.gap_from = max(min(reading.gap_from or before, before), oldest)
        reading.gap_to = since
    reading.read_until, reading.read_at = until, clock.now()
    reading.failures, reading.failed_at, reading.error = 0, None, refused
    reading.save(
        update_fields=["gap_from", "gap_to", "read_until", "read_at", "failures", "failed_at", "error"]
    )


def _save_failure(reading: MetricReading, error: ProviderError) -> bool:
    circuit_breaker.record_service_failure(reading.service.provider, error)
    now = clock.now()
    pause = min(PARTS[reading.part].every * 2 ** min(reading.failures, 10), LONGEST_PAUSE)
    if isinstance(error, Busy):
        pause = max(pause, min(timedelta(seconds=error.retry_after), LONGEST_PAUSE))
    reading.failures += 1
    reading.failed_at, reading.due_at, reading.error = now, now + pause, clean_line(str(error), 300)
    reading.save(update_fields=["failures", "failed_at", "due_at", "error"])
    return not (isinstance(error, RateLimited) or circuit_breaker.concerns_provider(error))


def _fill_gap(reading: MetricReading, provider: Provider) -> bool:
    """Read the newest hour of what is missing."""
    gap_from, gap_to = reading.gap_from, reading.gap_to
    assert gap_from is not None  # noqa: S101 - the caller's filter and a constraint
    assert gap_to is not None  # noqa: S101
    since = max(gap_to - WINDOW, gap_from, clock.now() - POINTS_KEPT)
    if gap_to - since > PART_OF_GAP:
        error, _ = _ask(reading, provider, since, gap_to)
        if isinstance(error, ShareUsedUp):
            return False
        if error is not None:
            return _save_failure(reading, error)
    closed = since <= gap_from or gap_to - since <= PART_OF_GAP
    left = {"gap_from": None, "gap_to": None} if closed else {"gap_to": since}
    MetricReading.objects.filter(pk=reading.pk, gap_to=gap_to, gap_from=gap_from).update(**left)
    return True
