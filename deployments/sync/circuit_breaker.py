"""A circuit per provider: one that fails again and again is left alone for a while, by readings only.

An operation asks whenever it has to; its failures count here, so that readings leave it the provider's
attention. The state is in PostgreSQL: all workers share it, and the pages show it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from deployments.models import ProviderStatus
from deployments.providers.base import (
    Busy,
    NotAllowed,
    ProviderError,
    Refused,
    TooLate,
    Unclear,
    Unreachable,
    Unreadable,
)
from rollback_portal.templatetags.text import harmless

FAILURES = 5  # so many
WITHIN = timedelta(seconds=30)  # in so short a time open the circuit
PAUSE = timedelta(seconds=15)  # then one reading tries again; its failure opens it for as long once more
LOCKED_OUT = timedelta(seconds=60)  # a key that is not accepted is a person's work: no hurry
READING = timedelta(seconds=120)  # the longest that one reading may take

ANSWERED = "answered"
OUTCOMES: dict[type[ProviderError], str] = {
    NotAllowed: "not_allowed",
    Refused: "refused",
    Busy: "busy",
    Unreachable: "unreachable",
    Unreadable: "unreadable",
    Unclear: "unclear",
}


def allows(name: str) -> bool:
    """Whether a reading may ask this provider now."""
    return not ProviderStatus.objects.filter(provider=name, retry_at__gt=timezone.now()).exists()


def take_turn(name: str) -> bool:
    """Start a reading, unless somebody else is at it or the provider is to be left alone."""
    now = timezone.now()
    ProviderStatus.objects.get_or_create(provider=name)
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    allowed = Q(retry_at=None) | Q(retry_at__lte=now)
    return bool(ProviderStatus.objects.filter(free, allowed, provider=name).update(lease_until=now + READING))


def end_turn(name: str) -> None:
    ProviderStatus.objects.filter(provider=name).update(lease_until=None)


@transaction.atomic
def answered(name: str) -> None:
    """The whole provider was read: the circuit is closed."""
    reading = _locked(name)
    reading.synced_at, reading.error, reading.failed_at = timezone.now(), "", None
    reading.failures, reading.first_failed_at, reading.opened_at, reading.retry_at = 0, None, None, None
    _count(reading, ANSWERED)
    reading.save()


@transaction.atomic
def failed(name: str, error: ProviderError) -> None:
    """A question failed: keep the error for the page, and open the circuit where it is time."""
    now = timezone.now()
    reading = _locked(name)
    _count(reading, next((word for kind, word in OUTCOMES.items() if isinstance(error, kind)), "failed"))
    reading.failed_at, reading.error = now, harmless(str(error), 300)
    if reading.first_failed_at is None or now - reading.first_failed_at > WITHIN:
        reading.first_failed_at, reading.failures = now, 0
    reading.failures += 1
    reading.retry_at = _retry_at(reading, error, now)
    reading.save()


def failed_in_operation(name: str, error: ProviderError) -> None:
    """A question of an operation failed. It goes on by itself; what the provider refused is its answer."""
    if isinstance(error, TooLate) or (isinstance(error, Refused) and not isinstance(error, NotAllowed)):
        return
    failed(name, error)


def _retry_at(reading: ProviderStatus, error: ProviderError, now: datetime) -> datetime | None:
    waits = [timedelta(seconds=error.retry_after)] if isinstance(error, Busy) else []
    if isinstance(error, NotAllowed):
        waits.append(LOCKED_OUT)
    elif reading.opened_at is not None or reading.failures >= FAILURES:
        waits.append(PAUSE)
    if isinstance(error, NotAllowed) or reading.failures >= FAILURES:
        reading.opened_at = reading.opened_at or now
    until = [now + wait for wait in waits] + ([reading.retry_at] if reading.retry_at else [])
    return max((moment for moment in until if moment > now), default=None)


def _locked(name: str) -> ProviderStatus:
    ProviderStatus.objects.get_or_create(provider=name)
    return ProviderStatus.objects.select_for_update().get(pk=name)


def _count(reading: ProviderStatus, outcome: str) -> None:
    reading.results[outcome] = reading.results.get(outcome, 0) + 1
