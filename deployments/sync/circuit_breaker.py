"""A circuit breaker per provider: after repeated failures, background reads leave it alone for a while.

Only what concerns the whole provider counts. One service that fails has an error and a pause of its own.
Operations ignore it and ask whenever they have to, but their failures count, so that background reads do not
compete with them. The state is in PostgreSQL, because all workers share it and the pages show it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min, Q

from deployments.models import ProviderStatus, Service
from deployments.providers.base import (
    Busy,
    NotAllowed,
    ProviderError,
    RateLimited,
    Refused,
    TooLate,
    Unclear,
    Unreachable,
    Unreadable,
)
from rollback_portal.jobs import clock
from rollback_portal.text import clean_line

FAILURES_TO_OPEN = 5  # this many failures ...
FAILURE_WINDOW = timedelta(seconds=30)  # ... within this time open the circuit
OPEN_FOR = timedelta(
    seconds=15
)  # then one read tries again; if it fails, the circuit stays open as long again
KEY_REFUSED_PAUSE = timedelta(seconds=60)  # only a person can replace a key, so there is no hurry
LONGEST_PAUSE = timedelta(minutes=5)  # that a provider can ask for, see errors_from_response
LONGEST_READ = timedelta(seconds=120)  # after this, a read that never finished no longer blocks the next

ANSWERED = "answered"
OUTCOMES: dict[type[ProviderError], str] = {
    NotAllowed: "not_allowed",
    Refused: "refused",
    Busy: "busy",
    Unreachable: "unreachable",
    Unreadable: "unreadable",
    Unclear: "unclear",
}


def allows(provider: str) -> bool:
    """Whether background reads may ask this provider now."""
    paused = _ahead("retry_at", clock.now(), LONGEST_PAUSE)
    return not ProviderStatus.objects.filter(paused, provider=provider).exists()


def start_reading(provider: str) -> bool:
    """Reserve the provider for one read; False where another read is running or the circuit is open."""
    now = clock.now()
    ProviderStatus.objects.get_or_create(provider=provider)
    held = _ahead("lease_until", now, LONGEST_READ) | _ahead("retry_at", now, LONGEST_PAUSE)
    rows = ProviderStatus.objects.filter(~held, provider=provider)
    return bool(rows.update(lease_until=now + LONGEST_READ))


def _ahead(column: str, now: datetime, longest: timedelta) -> Q:
    """Whether a time is still to come; one that is further ahead than any was written by a wrong clock."""
    return Q(**{f"{column}__isnull": False, f"{column}__gt": now, f"{column}__lte": now + longest})


def finish_reading(provider: str) -> None:
    """Let the next read start."""
    ProviderStatus.objects.filter(provider=provider).update(lease_until=None)


@transaction.atomic
def record_success(provider: str, *, list_error: str = "") -> None:
    """The provider answered: close the circuit, and note how old its oldest data is.

    Services that fail by themselves do not count: each says how old its own data is. `list_error` says why
    the list of services could not be read, where only that failed.
    """
    status = _locked(provider)
    well = Service.objects.followed().filter(provider=provider, read_failures=0)
    status.synced_at = well.aggregate(at=Min("synced_at"))["at"] or clock.now()
    status.error, status.failed_at, status.services_error = "", None, list_error
    status.failures, status.first_failed_at, status.opened_at, status.retry_at = 0, None, None, None
    _count(status, ANSWERED)
    status.save()


@transaction.atomic
def record_failure(provider: str, error: ProviderError, *, times: int = 1) -> None:
    """The provider failed, so many times: save the error for the pages, and open the circuit if it is due."""
    now = clock.now()
    status = _locked(provider)
    _count(status, _outcome(error))
    status.failed_at, status.error = now, clean_line(str(error), 300)
    if status.first_failed_at is None or now - status.first_failed_at > FAILURE_WINDOW:
        status.first_failed_at, status.failures = now, 0
    status.failures += times
    status.retry_at = _retry_at(status, error, now)
    status.save()


def concerns_provider(error: Exception) -> bool:
    """Whether the error of a call about one service speaks of the whole provider."""
    return isinstance(error, Unreachable | RateLimited) and not isinstance(error, TooLate)


def record_service_failure(provider: str, error: ProviderError) -> None:
    """A read of one service failed, which need not be the provider's failure."""
    if concerns_provider(error):
        record_failure(provider, error)
    else:
        count(provider, error)


def record_operation_failure(provider: str, error: ProviderError) -> None:
    """A call of an operation failed. A limit that it met may be that of one service: no read is paused."""
    if isinstance(error, Unreachable) and not isinstance(error, TooLate):
        record_failure(provider, error)
    else:
        count(provider, error)


@transaction.atomic
def count(provider: str, error: ProviderError) -> None:
    """Only count the outcome, for the metrics."""
    status = _locked(provider)
    _count(status, _outcome(error))
    status.save(update_fields=["results"])


def _retry_at(status: ProviderStatus, error: ProviderError, now: datetime) -> datetime | None:
    waits = [timedelta(seconds=error.retry_after)] if isinstance(error, Busy) else []
    if isinstance(error, NotAllowed):
        waits.append(KEY_REFUSED_PAUSE)
    elif status.opened_at is not None or status.failures >= FAILURES_TO_OPEN:
        waits.append(OPEN_FOR)
    if isinstance(error, NotAllowed) or status.failures >= FAILURES_TO_OPEN:
        status.opened_at = status.opened_at or now
    candidates = [now + wait for wait in waits] + ([status.retry_at] if status.retry_at else [])
    return max((at for at in candidates if at > now), default=None)


def _locked(provider: str) -> ProviderStatus:
    ProviderStatus.objects.get_or_create(provider=provider)
    return ProviderStatus.objects.select_for_update().get(pk=provider)


def _outcome(error: ProviderError) -> str:
    return next((name for kind, name in OUTCOMES.items() if isinstance(error, kind)), "failed")


def _count(status: ProviderStatus, outcome: str) -> None:
    status.results[outcome] = status.results.get(outcome, 0) + 1
