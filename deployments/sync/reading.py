"""Asks a provider about one service. Nothing is written here; no transaction is open meanwhile.

Background calls are counted, so a reading takes as few as it can: the list of services is asked for once
for all of them, and events only after a change and every few minutes. Events only add who did what; without
them the rest still works.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from deployments.models import Deployment, Service
from deployments.providers.auto_deploy import finer
from deployments.providers.base import (
    Current,
    Provider,
    ProviderError,
    ProviderName,
    RemoteDeployment,
    RemoteEvent,
    RemoteService,
    ShareUsedUp,
)
from deployments.providers.json_fields import EPOCH
from deployments.sync.fit import fits, usable
from rollback_portal.jobs import clock
from rollback_portal.text import clean_line

log = logging.getLogger(__name__)

LONGEST_MOVE = 300  # characters of a move's identity

FIRST_READ_PAGES = 12  # of 100 deployments each: 1,000 with some reserve
FIRST_READ_EVENTS = timedelta(days=30)
EVENTS_OVERLAP = timedelta(minutes=70)  # asked for from this long before the last time: clocks differ
EVENTS_EVERY = timedelta(minutes=5)  # at most, without a change; at Render, whose limit leaves room for it
EVENTS_APART = timedelta(seconds=6)  # for each of the services, where they are so many that it is longer
GOLDEN_RATIO = 0.618034  # its multiples spread evenly between two whole numbers
EVENTS_EVERY_AT_VERCEL = timedelta(minutes=30)  # ten calls a minute there, for all projects
EVENTS_RETRY = timedelta(minutes=2)  # after a failure
ONLY_LISTED = ("can_roll_back", "expires_at")  # which Vercel's view of a single deployment lacks


@dataclass(frozen=True, slots=True)
class ServiceList:
    """What the provider's list of services said, by id, and when it was asked for."""

    at: datetime
    services: Mapping[str, RemoteService]


@dataclass(frozen=True, slots=True)
class Events:
    """The events since they were last read, newest first, or why there are none.

    `postponed`: the portal's own share of the rate limit is used up, so they are asked for next time.
    """

    outcome: Literal["read", "failed", "postponed", "not due"]
    found: Sequence[RemoteEvent] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class ServiceReading:
    """What a provider said about one service in one reading.

    `at` is when the oldest part of it was asked for. `complete`: every deployment is listed; else those that
    were made after `reaches_to` are, where that is known.
    """

    at: datetime
    current: Current
    deployments: Sequence[RemoteDeployment]
    recorded: Events
    complete: bool
    reaches_to: datetime | None = None

    @property
    def events(self) -> Sequence[RemoteEvent]:
        return self.recorded.found

    def storable(self) -> ServiceReading:
        """Without what the rows could not hold: ids that would have to be cut, and times out of range."""
        current, request = self.current, self.current.alias_request
        aliases = tuple(
            replace(alias, deployment_id=_id(alias.deployment_id or "") or None) for alias in current.aliases
        )
        return replace(
            self,
            deployments=[remote for remote in self.deployments if fits(remote.id)],
            current=replace(
                current,
                live_id=_id(current.live_id or "") or None,
                auto_deploy=clean_line(current.auto_deploy or "", 100) or None,
                aliases=aliases,
                alias_request=request if request and fits(request.identity, LONGEST_MOVE) else None,
            ),
            recorded=replace(
                self.recorded,
                found=[_storable(event) for event in self.events if fits(event.id) and usable(event.at)],
            ),
        )


def _id(identifier: str) -> str:
    return identifier if fits(identifier) else ""


def _storable(event: RemoteEvent) -> RemoteEvent:
    return replace(
        event,
        actor=clean_line(event.actor, 120),
        detail=clean_line(event.detail, 1_000),
        deployment_id=_id(event.deployment_id),
        target_id=_id(event.target_id),
        from_id=_id(event.from_id),
    )


def ask(service: Service, provider: Provider, listed: ServiceList | None = None) -> ServiceReading:
    """Everything about one service. `listed` saves the calls that it has the answers to.

    Raises ProviderError.
    """
    now = clock.now()
    pages = FIRST_READ_PAGES if service.synced_at is None else 1
    deployments, complete, reaches_to = _list_deployments(service, provider, pages)
    every = events_every(service, len(listed.services) if listed else 1)
    whole = service.events_tried_at is not None and now - service.events_tried_at > every
    at, current = _current(service, provider, None if whole else listed, deployments, now)
    current = replace(current, auto_deploy=finer(current.auto_deploy, service.auto_deploy))
    if current.live_id and current.live_id not in {deployment.id for deployment in deployments}:
        deployments += _unlisted_live(service, provider, current.live_id)
    recorded = _events(service, provider, current, deployments, now, every)
    return ServiceReading(at, current, deployments, recorded, complete, reaches_to)


def _current(
    service: Service,
    provider: Provider,
    listed: ServiceList | None,
    deployments: Sequence[RemoteDeployment],
    now: datetime,
) -> tuple[datetime, Current]:
    """The current state, and when the oldest part of it was asked for."""
    remote = listed.services.get(service.provider_id) if listed else None
    if listed is not None and remote is not None:
        current = provider.current_from(remote, deployments)
        if current is not None:
            return listed.at, current
    return now, provider.current(service.provider_id)


def _unlisted_live(service: Service, provider: Provider, live_id: str) -> list[RemoteDeployment]:
    """The live deployment, where the page does not reach back to it; a known one may stay as it is."""
    known = service.deployments.filter(provider_id=live_id).first()
    try:
        return [look_at(known, provider) if known else provider.deployment(service.provider_id, live_id)]
    except ProviderError:
        if known:
            return []
        raise


def look_at(known: Deployment, provider: Provider) -> RemoteDeployment:
    """One deployment, asked for by its id. What only a list tells of it stays as it is known.

    Raises ProviderError.
    """
    remote = provider.deployment(known.service.provider_id, known.provider_id)
    untold = {name: getattr(known, name) for name in ONLY_LISTED if getattr(remote, name) is None}
    return replace(remote, **untold)


def _events(
    service: Service,
    provider: Provider,
    current: Current,
    deployments: Sequence[RemoteDeployment],
    now: datetime,
    every: timedelta,
) -> Events:
    if not _events_are_due(service, provider, current, deployments, now, every):
        return Events("not due")
    read_at = service.events_read_at
    since = min(read_at, now) - EVENTS_OVERLAP if read_at else now - FIRST_READ_EVENTS
    try:
        events = provider.events(service.provider_id, since=since)
        return Events("read", sorted(events, key=lambda event: event.at, reverse=True))
    except ShareUsedUp:
        return Events("postponed")
    except ProviderError as error:
        return Events("failed", error=str(error))
    except Exception as error:
        log.exception("The events of %s were not understood.", service)
        return Events("failed", error=f"The portal did not understand the answer ({type(error).__name__}).")


def _events_are_due(
    service: Service,
    provider: Provider,
    current: Current,
    deployments: Sequence[RemoteDeployment],
    now: datetime,
    every: timedelta,
) -> bool:
    """After a change, and after a while."""
    if service.events_tried_at is None or service.synced_at is None:
        return True
    if service.events_tried_at > now:
        return True  # written by a clock that was ahead
    live_id = service.live.provider_id if service.live else None
    before = (live_id, service.pinned, service.auto_deploy)
    if before != (current.live_id, current.pinned, current.auto_deploy or ""):
        return True
    if _domains_have_moved(service, current):
        return True
    waited = now - service.events_tried_at
    if service.events_error:
        return waited > EVENTS_RETRY
    if provider.name == ProviderName.VERCEL:
        return waited > EVENTS_EVERY_AT_VERCEL
    return waited > every or _has_changed(service, deployments)


def events_every(service: Service, services: int) -> timedelta:
    """How long one of so many services at Render goes without a whole reading, which takes three calls.

    All are read for the first time at once. With one length for all they would be due at once for ever, and
    hold back the short readings, so each has a length of its own: from half of the longest to all of it.
    """
    longest = max(EVENTS_EVERY, EVENTS_APART * services)
    return longest * (1 - service.pk * GOLDEN_RATIO % 1 / 2)


def _domains_have_moved(service: Service, current: Current) -> bool:
    """Whether a production domain of a Vercel project points elsewhere, or all of them were moved."""
    if not service.domain_targets:
        return False
    known, request = service.domain_targets["domains"], current.alias_request
    named = [one for one in current.aliases if one.deployment_id is not None]
    moved = any(known.get(one.domain, one.deployment_id) != one.deployment_id for one in named)
    return moved or service.domain_targets["move"] != (request.identity if request else "")


def _has_changed(service: Service, deployments: Sequence[RemoteDeployment]) -> bool:
    listed = {deployment.id: str(deployment.status) for deployment in deployments}
    rows = service.deployments.filter(provider_id__in=listed)
    return dict(rows.values_list("provider_id", "status")) != listed


def _list_deployments(
    service: Service, provider: Provider, pages: int
) -> tuple[list[RemoteDeployment], bool, datetime | None]:
    """List at most this many pages, newest first. Say whether that was all, or how far back it reaches.

    A list that grows in the meantime may repeat a deployment on the next page; the later one counts.
    """
    listed: dict[str, RemoteDeployment] = {}
    cursor, whole = "", True
    for _ in range(pages):
        page = provider.deployments(service.provider_id, cursor=cursor)
        listed.update({deployment.id: deployment for deployment in page.deployments})
        cursor, whole = page.next, whole and page.whole
        if not cursor:
            break
    made = [deployment.created_at for deployment in listed.values() if deployment.created_at != EPOCH]
    reaches_to = min(made, default=None) if whole else None
    return list(listed.values()), whole and not cursor, reaches_to
