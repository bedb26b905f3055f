"""The bars about parts that could not be read while the provider itself answers: each names its service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils import timezone

from deployments.models import Service
from deployments.models.provider_status import BAD_AFTER
from deployments.pages.current_state import CurrentState, Freshness
from deployments.pages.sentence import Sentence, age_of, joined, sentence
from rollback_portal.text import clean_line

MOST_NAMED = 3  # services in one bar


@dataclass(frozen=True, slots=True)
class WarningBar:
    """A bar without a button: `word` in capitals, what is wrong, and in a softer colour what still works."""

    tone: str
    label: str
    word: str
    message: Sentence
    still_works: Sentence


def unread_bars(state: CurrentState) -> list[WarningBar]:
    """The parts each responding provider failed to return: services, events, the list."""
    bars = []
    for fresh in (fresh for fresh in state.freshness if not fresh.down):
        services = [service for service in state.services if service.provider == fresh.provider]
        bars += [services_bar(fresh, services), events_bar(fresh, services), list_bar(fresh)]
    return [bar for bar in bars if bar is not None]


def services_bar(fresh: Freshness, services: Iterable[Service]) -> WarningBar | None:
    """ "API could not be read for 4 min: Render answered 500; …" """
    unread = [service for service in services if service.read_failures]
    if not unread:
        return None
    now = timezone.now()
    old = any(service.synced_at is None or now - service.synced_at > BAD_AFTER for service in unread)
    retry_at = min((service.read_retry_at for service in unread if service.read_retry_at), default=None)
    again = f"again at {retry_at:%H:%M:%S} UTC" if retry_at and retry_at > now else "again within 15 s"
    return WarningBar(
        tone="bad" if old else "warn",
        label=f"{_names(unread)} could not be read",
        word="NOT READ",
        message=_each([_why_unread(service) for service in unread]),
        still_works=sentence(
            f"The portal tries {again}. {fresh.name}'s other services are not affected, and each operation "
            "reads the provider again before it starts."
        ),
    )


def events_bar(fresh: Freshness, services: Iterable[Service]) -> WarningBar | None:
    """What only events tell is unknown, and nothing else."""
    without = [service for service in services if service.events_error and not service.read_failures]
    if not without:
        return None
    return WarningBar(
        tone="warn",
        label=f"Events of {_names(without)} could not be read",
        word="EVENTS NOT READ",
        message=_each([_why_no_events(service) for service in without]),
        still_works=sentence(
            "Who started a deployment, and some of what was done outside the portal, is unknown until then. "
            "What is live is read as usual, and operations work."
        ),
    )


def list_bar(fresh: Freshness) -> WarningBar | None:
    if not fresh.services_error:
        return None
    return WarningBar(
        tone="warn",
        label=f"The list of services at {fresh.name} could not be read",
        word="LIST OF SERVICES NOT READ",
        message=sentence(_ended(fresh.services_error)),
        still_works=sentence(
            f"New services at {fresh.name} do not appear until then. The ones on this page are read as usual."
        ),
    )


def names_of_unread(services: Iterable[Service]) -> str:
    """ "API, Web", "API, Web and 4 more", "" where every service could be read."""
    return _names([service for service in services if service.read_failures])


def _names(services: Sequence[Service]) -> str:
    more = f" and {len(services) - MOST_NAMED} more" if len(services) > MOST_NAMED else ""
    return clean_line(", ".join(service.short for service in services[:MOST_NAMED]), 120) + more


def _each(sentences: Sequence[Sentence]) -> Sentence:
    more = [sentence(f"And {len(sentences) - MOST_NAMED} more.")] if len(sentences) > MOST_NAMED else []
    return joined([*sentences[:MOST_NAMED], *more], " ")


def _why_unread(service: Service) -> Sentence:
    name, why = clean_line(service.short, 60), _ended(service.error)
    if service.synced_at is None:
        return sentence(f"{name} has never been read: {why}")
    age = age_of(service.synced_at, f"service-{service.pk}")
    return sentence(f"{name} could not be read for ", age, f": {why}")


def _why_no_events(service: Service) -> Sentence:
    name, why = clean_line(service.short, 60), _ended(service.events_error)
    tried = age_of(service.events_tried_at)
    return sentence(f"The events of {name} could not be read when last tried, ", tried, f" ago: {why}")


def _ended(error: str) -> str:
    error = clean_line(error, 300)
    return error if error.endswith((".", "…")) else f"{error}."
