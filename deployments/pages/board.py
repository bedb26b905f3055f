"""A page of deployments as people read it: cards above, then rows on one time axis.

Reads the portal's own rows only, with a number of queries that does not grow with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils import timezone

from deployments.commit_authors import with_credit
from deployments.forms.filters import Filters
from deployments.history import previous_of
from deployments.models import Change, Deployment, Kind, Service
from deployments.operations import eligibility
from deployments.pages.badges import Mark, Past, marks_for
from deployments.pages.cards import Card, cards_for
from deployments.pages.current_state import Standing
from deployments.pages.timeline import ROWS, Column, Entry, Moment, columns_of, lay_out
from rollback_portal.accounts.roles import OPERATE, roles_that_may
from rollback_portal.templatetags.text import clock

MOST_READ = 200
NOTABLE = timedelta(minutes=1)  # a twin that is this much older than its row says its own time
NOT_PART_OF_THE_PICTURE = {
    "synced_at",
    "version_checked_at",
    "provider_answered_at",
    "lease_owner",
    "lease_until",
    "not_before",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One deployment in its cell: its marks, and either its button or the reason why not."""

    deployment: Deployment
    again: Sequence[Deployment]
    marks: tuple[Mark, ...]
    live: bool
    button: str
    url: str
    why_not: str
    own_time: bool = False

    @property
    def dim(self) -> bool:
        return not self.live and not self.url

    @property
    def comparable(self) -> bool:
        """Whether something can lie between it and the live one."""
        live = self.deployment.service.live
        if live is None or self.live or not self.deployment.production:
            return False
        return self.deployment.commit_sha not in ("", live.commit_sha)


@dataclass(frozen=True, slots=True)
class Cell:
    column: Column
    items: tuple[Item, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Row:
    at: datetime
    cells: tuple[Cell, ...]

    @property
    def day(self) -> str:
        """The heading that rows of one day share. UTC."""
        days = (timezone.now().date() - self.at.date()).days
        named = f"{self.at.strftime('%A')} {self.at.day} {self.at.strftime('%B')}"
        if days > 300:
            return f"{named} {self.at.year}"
        return {0: "Today", 1: "Yesterday"}.get(days, named)


@dataclass(frozen=True, slots=True)
class Board:
    """Cards and rows of some services. `version` stays the same while the picture does."""

    cards: tuple[Card, ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    older: str
    version: str


def draw_board(
    services: tuple[Service, ...], standing: Standing, filters: Filters, *, may_operate: bool
) -> Board:
    """Read and arrange what a page shows.

    Args:
        services: whose deployments; each with `live` loaded.
        standing: what holds now, for at least these services.
        filters: which deployments, and which page of them.
        may_operate: whether the reader may put a deployment in front of users.
    """
    cards, columns = cards_for(services, standing), columns_of(services)
    deployments, complete = _read(services, filters)
    axis = lay_out(deployments, columns, complete=complete, start=filters.cursor)
    known = _Known(services, cards, deployments, axis.moments, may_operate)
    rows = tuple(_row(moment, columns, known) for moment in axis.moments)
    version = _version(standing, deployments, known.moves, filters.data, may_operate)
    return Board(cards, columns, rows, axis.older, version)


def draw_one(deployment: Deployment, standing: Standing, *, may_operate: bool) -> Item:
    """One deployment as its row would show it."""
    services = (deployment.service,)
    known = _Known(services, cards_for(services, standing), [deployment], [], may_operate)
    return _item(Entry(deployment), known, deployment.created_at)


def _read(services: Sequence[Service], filters: Filters) -> tuple[list[Deployment], bool]:
    """Enough rows for one page, newest first, and whether these are all."""
    most = min(MOST_READ, 2 * ROWS * max(1, len(services)))
    rows = filters.apply(Deployment.objects.select_related("restores").order_by("-created_at", "-id"))
    found = list(rows[: most + 1])
    by_id = {service.pk: service for service in services}
    for deployment in found:
        deployment.service = by_id[deployment.service_id]
    with_credit([*found, *(service.live for service in services if service.live is not None)])
    return found[:most], len(found) <= most


class _Known:
    """What is read beside the rows themselves, each in one query for all of them."""

    def __init__(
        self,
        services: Sequence[Service],
        cards: Sequence[Card],
        deployments: Sequence[Deployment],
        moments: Sequence[Moment],
        may_operate: bool,
    ) -> None:
        self.cards = {card.service.pk: card for card in cards}
        self.may_operate = may_operate
        self.previous = previous_of(services)
        self.moves = _moves(deployments)
        self.elsewhere = _elsewhere(services, moments)

    def past(self, deployment: Deployment) -> Past:
        card = self.cards[deployment.service_id]
        moves = [move for move in self.moves if move.from_deployment_id == deployment.pk]
        return Past(card.service, card.sure, self.previous.get(deployment.service_id), card.pin, moves)


def _moves(deployments: Sequence[Deployment]) -> list[Change]:
    """Finished rollbacks away from these deployments, newest first."""
    away = Change.objects.filter(
        from_deployment__in=[deployment.pk for deployment in deployments],
        status="succeeded",
        operation__kind=Kind.ROLL_BACK,
    )
    return list(away.select_related("operation").order_by("-id")[:MOST_READ])


def _elsewhere(services: Sequence[Service], moments: Sequence[Moment]) -> dict[tuple[int, str], datetime]:
    """When each service last built a commit that stands alone on its row."""
    lonely = {
        entry.deployment.commit_sha for moment in moments if not all(moment.cells) for entry in moment.entries
    } - {""}
    rows = (
        Deployment.objects.filter(
            service__in=[service.pk for service in services], commit_sha__in=lonely, production=True
        )
        .order_by("created_at")
        .values_list("service_id", "commit_sha", "created_at")
    )
    return {(service, sha): at for service, sha, at in rows}


def _row(moment: Moment, columns: Sequence[Column], known: _Known) -> Row:
    cells = []
    for column, entries in zip(columns, moment.cells, strict=True):
        items = tuple(_item(entry, known, moment.at) for entry in entries)
        cells.append(Cell(column, items, "" if items else _note(column, moment, known)))
    return Row(moment.at, tuple(cells))


def _note(column: Column, moment: Moment, known: _Known) -> str:
    """Why a cell is empty: the commit was never built there, or stands on another row."""
    deployment = moment.entries[0].deployment
    if not deployment.commit_sha or not deployment.production:
        return ""
    times = [known.elsewhere.get((service.pk, deployment.commit_sha)) for service in column.services]
    built = max((at for at in times if at is not None), default=None)
    name = column.title if column.title != column.label else column.kind.replace("api", "API")
    if built is None:
        return f"no {name} deployment of this commit"
    return f"{name} built this commit {clock(built)} UTC"


def _item(entry: Entry, known: _Known, row_at: datetime) -> Item:
    deployment = entry.deployment
    card = known.cards[deployment.service_id]
    reason = eligibility.why_not(deployment, card.service, card.change, card.pin)
    if not reason and not known.may_operate:
        reason = f"needs the role {roles_that_may(OPERATE)[0]}"
    name = "promote" if eligibility.act_for(deployment) == Kind.PROMOTE else "roll_back"
    return Item(
        deployment=deployment,
        again=entry.again,
        marks=marks_for(deployment, known.past(deployment)),
        live=card.service.live_id == deployment.pk,
        button=eligibility.button_words(deployment),
        url="" if reason else reverse(name, args=[card.service.slug, deployment.provider_id]),
        why_not=reason,
        own_time=row_at - deployment.created_at >= NOTABLE,
    )


def _version(
    standing: Standing,
    deployments: Iterable[Deployment],
    moves: Iterable[Change],
    chosen: Any,
    may_operate: bool,
) -> str:
    """A fingerprint of everything that is drawn but the ages, which the page counts on by itself."""
    seen: list[Any] = [timezone.now().date(), may_operate, sorted(dict(chosen).items())]
    seen += [
        _values(row) for row in (*standing.services, *standing.pins.values(), *standing.changes.values())
    ]
    seen += [change.pk for change in standing.doubtful]
    seen += [_values(service.live) for service in standing.services if service.live is not None]
    seen += [
        (fresh.provider, fresh.tone, fresh.error, fresh.retry_at, fresh.left_alone)
        for fresh in standing.freshness
    ]
    seen += [(role.name, role.alive) for role in standing.process_status.roles]
    seen.append(standing.process_status.broker_is_away)
    seen += [_values(row) for row in (*deployments, *moves)]
    for card in cards_for(standing.services, standing):
        seen.append((card.stale, card.confirmed, card.check_is_old, card.service.synced_at is None))
    return sha256(repr(seen).encode()).hexdigest()[:20]


def _values(row: Model) -> tuple[Any, ...]:
    fields = row._meta.concrete_fields
    return tuple(getattr(row, field.attname) for field in fields if field.name not in NOT_PART_OF_THE_PICTURE)
