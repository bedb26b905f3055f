"""A page of deployments: live cards at the top, below them the rows of a shared timeline.

Only the portal's own rows are read, and the number of queries does not grow with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone

from deployments.forms.filters import Filters
from deployments.history import with_commit_authors
from deployments.models import OPERATE, CommitMark, Deployment, OperationKind, Service
from deployments.operations import eligibility
from deployments.operations.marks import commit_of, held_back, marks_of
from deployments.operations.previous import Past, past_of
from deployments.pages.badges import BadgeContext, badges_for
from deployments.pages.board.item import BoardItem, Rebuild
from deployments.pages.board.suggestions import SuggestionCard, suggestion_cards
from deployments.pages.board.version import version_of
from deployments.pages.cards import Card, cards_for
from deployments.pages.current_state import CurrentState
from deployments.pages.deployment_text import row_facts
from deployments.pages.manual_fallback import out_of_reach
from deployments.pages.timeline import (
    ROWS,
    TimelineColumn,
    TimelineEntry,
    TimelineRow,
    build_timeline,
    columns_of,
)
from deployments.providers.json_fields import stated
from rollback_portal.accounts.roles import weakest_role
from rollback_portal.text import time_of_day

MAX_DEPLOYMENTS = 200
OWN_TIME_AFTER = timedelta(minutes=1)  # how much older than its row a deployment must be to show its own time


@dataclass(frozen=True, slots=True)
class BoardCell:
    column: TimelineColumn
    items: tuple[BoardItem, ...]
    note: str


@dataclass(frozen=True, slots=True)
class BoardRow:
    at: datetime
    cells: tuple[BoardCell, ...]

    @property
    def made_at(self) -> datetime | None:
        """When the newest of its deployments was made; None where the provider does not say."""
        return stated(self.at)

    @property
    def day(self) -> str:
        """The heading that rows of one day share. UTC."""
        if self.made_at is None:
            return "On a day that is not known"
        days = (timezone.now().date() - self.at.date()).days
        named = f"{self.at.strftime('%A')} {self.at.day} {self.at.strftime('%B')}"
        if days > 300:
            return f"{named} {self.at.year}"
        return {0: "Today", 1: "Yesterday"}.get(days, named)


@dataclass(frozen=True, slots=True)
class Board:
    """Cards and rows of some services. `version` changes whenever the page would look different.

    `pasts` are those of its services and of those out of reach, by primary key. While something is wrong, one
    of `suggestions` has the filled button and the others step back.
    """

    cards: tuple[Card, ...]
    columns: tuple[TimelineColumn, ...]
    rows: tuple[BoardRow, ...]
    pasts: Mapping[int, Past]
    suggestions: tuple[SuggestionCard, ...]
    older: str
    version: str

    @property
    def steps_back(self) -> bool:
        return any(one.wrong and one.url for one in self.suggestions)


def build_board(
    services: tuple[Service, ...], state: CurrentState, filters: Filters, *, may_operate: bool
) -> Board:
    """Load one page of deployments.

    Args:
        services: whose deployments; each with `live` loaded.
        state: the current state of at least these services.
        filters: which deployments, and which page of them.
        may_operate: whether the person may put a deployment in front of users.
    """
    cards, columns = cards_for(services, state), columns_of(services)
    deployments, complete = _load_deployments(services, filters)
    timeline = build_timeline(deployments, columns, complete=complete, start=filters.cursor)
    pasts = past_of(list(dict.fromkeys((*services, *out_of_reach(state)))))
    marks = marks_of(deployments)
    data = _BoardData(services, cards, pasts, timeline.rows, marks, may_operate)
    rows = tuple(_board_row(row, columns, data) for row in timeline.rows)
    suggestions = suggestion_cards(cards, pasts, may_operate=may_operate)
    version = version_of(state, deployments, pasts.values(), suggestions, marks, filters.data, may_operate)
    return Board(cards, columns, rows, pasts, suggestions, timeline.older, version)


def build_item(deployment: Deployment, state: CurrentState, *, may_operate: bool) -> BoardItem:
    """One deployment as its row would show it."""
    services = (deployment.service,)
    cards, marks = cards_for(services, state), marks_of([deployment])
    data = _BoardData(services, cards, past_of(services), [], marks, may_operate)
    column = TimelineColumn(deployment.service.kind, "", services)
    return _item(TimelineEntry(deployment), column, data, deployment.created_at, alone=True)


def _load_deployments(services: Sequence[Service], filters: Filters) -> tuple[list[Deployment], bool]:
    """Enough deployments for one page, newest first, and whether there are no more."""
    limit = min(MAX_DEPLOYMENTS, 2 * ROWS * max(1, len(services)))
    rows = filters.apply(Deployment.objects.select_related("restores").order_by("-created_at", "-id"))
    deployments = list(rows[: limit + 1])
    by_id = {service.pk: service for service in services}
    for deployment in deployments:
        deployment.service = by_id[deployment.service_id]
    with_commit_authors([*deployments, *(service.live for service in services if service.live is not None)])
    return deployments[:limit], len(deployments) <= limit


class _BoardData:
    """What the rows need beside the deployments, for all rows together."""

    def __init__(
        self,
        services: Sequence[Service],
        cards: Sequence[Card],
        pasts: Mapping[int, Past],
        rows: Sequence[TimelineRow],
        marks: Mapping[str, CommitMark],
        may_operate: bool,
    ) -> None:
        self.cards = {card.service.pk: card for card in cards}
        self.may_operate = may_operate
        self.pasts = pasts
        self.marks = marks
        self.built_elsewhere = _built_elsewhere(services, rows)

    def badge_context(self, deployment: Deployment) -> BadgeContext:
        card, past = self.cards[deployment.service_id], self.pasts[deployment.service_id]
        rolled_back, mark = past.rolled_back(deployment), self.marks.get(commit_of(deployment))
        return BadgeContext(card.service, card.sure, card.doubt, past.previous, past.good, rolled_back, mark)


def _built_elsewhere(
    services: Sequence[Service], rows: Sequence[TimelineRow]
) -> dict[tuple[int, str], datetime]:
    """When each service last built the commits that are missing from a cell, by service and commit."""
    commits = {entry.deployment.commit_sha for row in rows if not all(row.cells) for entry in row.entries} - {
        ""
    }
    builds = (
        Deployment.objects.filter(
            service__in=[service.pk for service in services], commit_sha__in=commits, production=True
        )
        .order_by("created_at")
        .values_list("service_id", "commit_sha", "created_at")
    )
    return {(service, sha): at for service, sha, at in builds}


def _board_row(row: TimelineRow, columns: Sequence[TimelineColumn], data: _BoardData) -> BoardRow:
    cells = []
    for column, entries in zip(columns, row.cells, strict=True):
        items = tuple(_item(entry, column, data, row.at) for entry in entries)
        cells.append(BoardCell(column, items, "" if items else _empty_cell_note(column, row, data)))
    return BoardRow(row.at, tuple(cells))


def _empty_cell_note(column: TimelineColumn, row: TimelineRow, data: _BoardData) -> str:
    """Why a cell is empty: the commit was never built there, or is on another row."""
    deployment = row.entries[0].deployment
    if not deployment.commit_sha or not deployment.production:
        return ""
    times = [data.built_elsewhere.get((service.pk, deployment.commit_sha)) for service in column.services]
    built = max((at for at in times if at is not None), default=None)
    name = column.title if column.title != column.label else column.kind.replace("api", "API")
    if built is None:
        return f"no {name} deployment of this commit"
    return f"{name} built this commit {time_of_day(built)} UTC"


def _item(
    entry: TimelineEntry, column: TimelineColumn, data: _BoardData, row_at: datetime, *, alone: bool = False
) -> BoardItem:
    deployment = entry.deployment
    card = data.cards[deployment.service_id]
    live = card.service.live_id == deployment.pk
    reason = eligibility.ineligible_reason(deployment, card.service, card.change, card.pin)
    context = data.badge_context(deployment)
    if not reason and not alone:
        reason = held_back(context.rolled_back, context.mark)
    if not reason and not data.may_operate:
        reason = f"needs the role {weakest_role(OPERATE)}"
    name = "promote" if eligibility.operation_kind_for(deployment) == OperationKind.PROMOTE else "roll_back"
    return BoardItem(
        deployment=deployment,
        pk=deployment.pk,
        subject=deployment.subject,
        page_url=_page_of(deployment),
        rebuilds=tuple(_rebuild(build) for build in entry.rebuilds),
        badges=badges_for(deployment, context),
        live=live,
        suggested=data.pasts[deployment.service_id].suggested == deployment,
        comparable=_is_comparable(deployment, live=live),
        button=eligibility.button_text(deployment),
        url="" if reason else reverse(name, args=[card.service.slug, deployment.provider_id]),
        ineligible_reason=reason,
        facts=row_facts(
            deployment,
            name_service=len(column.services) > 1,
            own_time=row_at - deployment.created_at >= OWN_TIME_AFTER,
            live=live,
        ),
    )


def _page_of(deployment: Deployment) -> str:
    return reverse("deployment", args=[deployment.service.slug, deployment.provider_id])


def _rebuild(build: Deployment) -> Rebuild:
    return Rebuild(build.pk, _page_of(build), build.made_at, build.raw_status)


def _is_comparable(deployment: Deployment, *, live: bool) -> bool:
    """Whether commits can lie between it and the live one."""
    now = deployment.service.live
    if now is None or live or not deployment.production:
        return False
    return deployment.commit_sha not in ("", now.commit_sha)
