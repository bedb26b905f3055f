"""Reads the providers into the portal's rows, service by service, the one that was asked longest ago first.

A service that fails has an error, an age and a pause of its own; the other services are still read. Only what
concerns the whole provider ends the pass. Where the portal's share of the rate limit is used up, the next
pass goes on where this one ended.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, OperationalError
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest

from deployments.models import ProviderStatus, Service
from deployments.providers.base import Busy, NotAllowed, Provider, ProviderError, ShareUsedUp
from deployments.sync import circuit_breaker
from deployments.sync.gone import look_for_unlisted
from deployments.sync.reading import Events, ServiceList, ServiceReading, ask
from deployments.sync.saving import save_reading
from deployments.sync.services import save_services
from rollback_portal.jobs import clock
from rollback_portal.text import clean_line

log = logging.getLogger(__name__)

LONGEST_PASS = 40.0  # seconds; no service is begun after that, well below the time limit of a task
SEVERAL = 3  # services that fail one after the other, with no success between: then it is the provider
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=5)  # after failures of one service

Problems = tuple[str, ...]


def read_services(name: str, provider: Provider) -> Problems:
    """Discover services. Returns what went wrong, which is saved for the pages as well; raises nothing."""
    if not circuit_breaker.allows(name):
        return (_why_paused(name),)
    one = _Pass(name, provider)
    one.list_services()
    one.judge()
    return tuple(one.problems)


def read_provider(name: str, provider: Provider) -> Problems:
    """Discover services and read those that are due, unless a read is running or the circuit is open.

    Returns a sentence for each thing that could not be read; empty if everything was read.
    """
    if not circuit_breaker.start_reading(name):
        return (_why_paused(name),)
    try:
        one = _Pass(name, provider)
        one.read()
        one.judge()
    finally:
        circuit_breaker.finish_reading(name)
    return tuple(one.problems)


def read_service(service: Service, provider: Provider, listed: ServiceList | None = None) -> Exception | None:
    """Read one service and save it. Returns the error, which the service's row keeps where it is its own.

    Raises only where the portal's own database does not answer.
    """
    try:
        _save(service, ask(service, provider, listed))
    except (OperationalError, InterfaceError):
        raise
    except ProviderError as error:
        if isinstance(error, ShareUsedUp):
            return error
        circuit_breaker.record_service_failure(service.provider, error)
        _save_failure(service, str(error), error.retry_after if isinstance(error, Busy) else 0.0)
        return error
    except Exception as error:
        log.exception("The reading of %s failed.", service)
        what = "could not save" if isinstance(error, DatabaseError) else "did not understand"
        provider_name = service.get_provider_display()
        _save_failure(service, f"The portal {what} {provider_name}'s answer ({type(error).__name__}).", 0.0)
        return error
    return None


def _save(service: Service, reading: ServiceReading) -> None:
    """Save a reading; where its events cannot be saved, all but those."""
    try:
        save_reading(service.pk, reading)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if not reading.events:
            raise
        log.exception("The events of %s could not be saved.", service)
        unknown = Events("failed", error=f"The portal did not understand them ({type(error).__name__}).")
        save_reading(service.pk, replace(reading, recorded=unknown))


def _save_failure(service: Service, error: str, wait: float) -> None:
    now = clock.now()
    pause = min(FIRST_PAUSE * 2 ** min(service.read_failures, 10), LONGEST_PAUSE)
    Service.objects.filter(pk=service.pk).update(
        error=clean_line(error, 300),
        read_failures=F("read_failures") + 1,
        read_failed_at=now,
        read_retry_at=now + max(pause, timedelta(seconds=wait)),
    )


def _due(name: str, now: datetime) -> QuerySet[Service]:
    """The services to read now: first those never asked, then those asked longest ago."""
    ahead = Q(read_retry_at__gt=now + LONGEST_PAUSE)  # written by a clock that was wrong
    due = Q(read_retry_at=None) | Q(read_retry_at__lte=now) | ahead
    asked_at = Greatest("synced_at", "read_failed_at").asc(nulls_first=True)
    services = Service.objects.followed().filter(due, provider=name)
    return services.select_related("live").order_by(asked_at, "position")


def _why_paused(name: str) -> str:
    status = ProviderStatus.objects.get(pk=name)
    if status.retry_at is not None and status.retry_at > clock.now():
        return f"{name.capitalize()} is not asked again before {status.retry_at:%H:%M:%S} UTC: {status.error}"
    return f"Another process is reading {name.capitalize()} at the moment."


class _Pass:
    """One reading of one provider, and what it says about the health of the provider."""

    def __init__(self, name: str, provider: Provider) -> None:
        self.name = name
        self.provider = provider
        self.problems: list[str] = []
        self.over = False
        self.down = False  # the provider as a whole, which has been recorded
        self.answered = False  # by the list or by any service
        self.read_any = False  # service
        self.list_error = ""
        self.failed: list[ProviderError] = []  # failures of different calls
        self.in_a_row: list[ProviderError] = []  # those that are new, with no success between

    def read(self) -> None:
        listed = self.list_services()
        deadline = time.monotonic() + LONGEST_PASS
        for service in _due(self.name, clock.now()):
            if self.over or time.monotonic() > deadline:
                return
            self._read(service, listed)
        if not self.read_any and len(self.failed) >= SEVERAL:
            self._end(self.failed[-1])
        if not self.over:
            self._look_for_unlisted()

    def _look_for_unlisted(self) -> None:
        try:
            look_for_unlisted(self.name, self.provider)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("What %s no longer lists could not be looked up.", self.name)

    def list_services(self) -> ServiceList | None:
        """The list, saved; None where it could not be read, which need not concern the services."""
        at = clock.now()
        try:
            listed = self.provider.services()
            save_services(self.name, listed)
        except (OperationalError, InterfaceError):
            raise
        except ProviderError as error:
            self._note_list_error(str(error))
            if isinstance(error, NotAllowed) or circuit_breaker.concerns_provider(error):
                circuit_breaker.record_failure(self.name, error)
                self.over = self.down = True
            self._note(error, was_well=True)
            return None
        except Exception as error:
            log.exception("The list of services of %s was not understood.", self.name)
            self._note_list_error(f"The portal did not understand the answer ({type(error).__name__}).")
            return None
        self.answered = True
        return ServiceList(at, {remote.id: remote for remote in listed})

    def _note_list_error(self, error: str) -> None:
        self.list_error = clean_line(error, 300)
        self.problems.append(f"The list of services was not read: {self.list_error}")

    def _read(self, service: Service, listed: ServiceList | None) -> None:
        error = read_service(service, self.provider, listed)
        if error is None:
            self.answered = self.read_any = True
            self.in_a_row = []
            return
        self.problems.append(f"{service.label} was not read: {error}")
        if isinstance(error, ProviderError):
            self._note(error, was_well=service.read_failures == 0)

    def _note(self, error: ProviderError, *, was_well: bool) -> None:
        """Several failures in a row are the provider's, but not of services that are known to fail.

        Those prove something only where nothing else was read either. What a key may not do at one service
        says nothing about the key.
        """
        if circuit_breaker.concerns_provider(error):
            self.over = self.down = True
        if isinstance(error, ShareUsedUp):
            self.over = True
        if self.over or isinstance(error, NotAllowed):
            return
        self.failed.append(error)
        if was_well:
            self.in_a_row.append(error)
        if len(self.in_a_row) >= SEVERAL:
            self._end(error)

    def _end(self, error: ProviderError) -> None:
        self.over = self.down = True
        circuit_breaker.record_failure(self.name, error, times=SEVERAL)
        Service.objects.filter(provider=self.name).update(read_retry_at=None)

    def judge(self) -> None:
        """Save what this pass says about the provider, unless the error that ended it has been saved."""
        if self.down:
            return
        if self.answered:
            circuit_breaker.record_success(self.name, list_error=self.list_error)
        elif self.in_a_row:
            circuit_breaker.record_failure(self.name, self.in_a_row[-1])
