"""A fingerprint of a page of deployments, by which a page that polls learns whether anything has changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Model
from django.utils import timezone

from deployments.models import CommitMark, Deployment
from deployments.operations.previous import Past
from deployments.pages.board.suggestions import SuggestionCard
from deployments.pages.cards import cards_for
from deployments.pages.current_state import CurrentState
from rollback_portal.web.unchanged import fingerprint

NOT_SHOWN = {  # columns that may change without a change of the page
    "synced_at",
    "read_failed_at",
    "read_failures",
    "events_read_at",
    "events_tried_at",
    "unlisted",
    "looked_at",
    "version_checked_at",
    "served_window",
    "addresses_checked",
    "provider_answered_at",
    "lease_owner",
    "lease_until",
    "not_before",
}


def version_of(
    state: CurrentState,
    deployments: Iterable[Deployment],
    pasts: Iterable[Past],
    suggestions: Iterable[SuggestionCard],
    marks: Mapping[str, CommitMark],
    filters: Any,
    may_operate: bool,
) -> str:
    """A fingerprint of everything on the page but the ages, which it counts on by itself."""
    seen: list[Any] = [timezone.now().date(), may_operate, sorted(dict(filters).items())]
    seen += [_values(row) for row in (*state.services, *state.pins.values(), *state.changes.values())]
    seen += [change.pk for change in state.undecided]
    seen += [figures.shown for figures in state.figures.values()]
    seen += [(feed.provider, feed.incidents, bool(feed.error)) for feed in state.status_feeds]
    seen += [_values(service.live) for service in state.services if service.live is not None]
    seen += [
        (fresh.provider, fresh.tone, fresh.error, fresh.retry_at, fresh.left_alone, fresh.services_error)
        for fresh in state.freshness
    ]
    seen += [(role.name, role.alive) for role in state.process_status.roles]
    seen.append(state.process_status.broker_is_away)
    seen += [_values(row) for row in deployments]
    seen += [(past.previous and past.previous.pk, sorted(past.bad.items())) for past in pasts]
    seen += [one.shown for one in suggestions]
    seen += sorted((mark.pk, mark.verdict) for mark in marks.values())
    for card in cards_for(state.services, state):
        seen += [card.stale, card.confirmed, card.doubt, card.errors, card.check_is_old, card.blame]
        seen.append(card.service.synced_at is None)
    return fingerprint(*seen)


def _values(row: Model) -> tuple[Any, ...]:
    fields = row._meta.concrete_fields
    return tuple(getattr(row, field.attname) for field in fields if field.name not in NOT_SHOWN)
