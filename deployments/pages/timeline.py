"""The timeline that API and web services share: the same commit is on the same row where possible.

Nothing is read from the database: deployments come in, newest first, and rows come out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from deployments.forms.cursor import Cursor
from deployments.models import Deployment, Service
from deployments.models.deployment import SERVABLE

SAME_ROW_WITHIN = timedelta(hours=1)  # between the first and the last deployment of one commit
ROWS = 30


@dataclass(slots=True)
class TimelineEntry:
    """One deployment, with older builds of the same commit folded under it."""

    deployment: Deployment
    rebuilds: list[Deployment] = field(default_factory=list)


@dataclass(slots=True)
class TimelineRow:
    """One row. `cells` has one list for each column, in the order of the columns."""

    at: datetime
    cells: list[list[TimelineEntry]]

    @property
    def entries(self) -> list[TimelineEntry]:
        return [entry for cell in self.cells for entry in cell]


@dataclass(frozen=True, slots=True)
class TimelineColumn:
    """The services of one kind."""

    kind: str
    label: str
    services: tuple[Service, ...]

    @property
    def title(self) -> str:
        return self.services[0].short if len(self.services) == 1 else self.label


@dataclass(frozen=True, slots=True)
class Timeline:
    """One page of rows; `older` is the cursor of the next page, "" on the last one."""

    columns: tuple[TimelineColumn, ...]
    rows: tuple[TimelineRow, ...]
    older: str = ""


def columns_of(services: Iterable[Service]) -> tuple[TimelineColumn, ...]:
    """API on the left, web on the right; a kind without a service has no column."""
    by_kind = {kind: tuple(service for service in services if service.kind == kind) for kind in Service.Kind}
    return tuple(TimelineColumn(kind.value, kind.label, group) for kind, group in by_kind.items() if group)


def build_timeline(
    deployments: Sequence[Deployment],
    columns: tuple[TimelineColumn, ...],
    *,
    complete: bool,
    max_rows: int = ROWS,
    start: Cursor | None = None,
) -> Timeline:
    """Arrange deployments in rows.

    Args:
        deployments: newest first, of the columns' services.
        complete: whether there are none older than the last of them.
        max_rows: how many rows one page holds.
        start: where this page starts, None for the first one.

    Returns:
        At most `max_rows` rows. A deployment older than the last row is still shown if its commit is on this
        page, and the cursor remembers it, so that no page shows it twice.
    """
    column_of = {service.pk: index for index, column in enumerate(columns) for service in column.services}
    rows: list[TimelineRow] = []
    newest: dict[int, TimelineEntry] = {}
    last: Deployment | None = None
    ahead: list[int] = []
    is_full = False
    for deployment in deployments:
        side = column_of[deployment.service_id]
        above = newest.get(deployment.service_id)
        row = _row_of_same_commit(deployment, rows)
        if not is_full and above is not None and _same_code(above.deployment, deployment):
            above.rebuilds.append(deployment)
        elif row is not None:
            newest[deployment.service_id] = _add_entry(deployment, row, side)
        elif is_full or len(rows) == max_rows:
            is_full = True
            continue
        else:
            rows.append(TimelineRow(deployment.created_at, [[] for _ in columns]))
            newest[deployment.service_id] = _add_entry(deployment, rows[-1], side)
        if is_full:
            ahead.append(deployment.pk)
        else:
            last = deployment
    older = _next_cursor(last, ahead, start) if is_full or not complete else ""
    return Timeline(columns, tuple(rows), older)


def _next_cursor(last: Deployment | None, ahead: list[int], start: Cursor | None) -> str:
    """The cursor of the page after `last`, with what earlier pages have shown ahead, if that is near."""
    if last is None:
        return ""
    near = start is not None and start.at - last.created_at <= SAME_ROW_WITHIN
    return str(Cursor(last.created_at, last.pk, (*(start.shown if start and near else ()), *ahead)))


def _add_entry(deployment: Deployment, row: TimelineRow, side: int) -> TimelineEntry:
    entry = TimelineEntry(deployment)
    row.cells[side].append(entry)
    return entry


def _row_of_same_commit(deployment: Deployment, rows: Sequence[TimelineRow]) -> TimelineRow | None:
    """The row where another service has the same commit from about the same time."""
    if not deployment.commit_sha or deployment.is_rollback:
        return None
    for row in reversed(rows):
        if row.at - deployment.created_at > SAME_ROW_WITHIN:
            return None
        others = [entry.deployment for entry in row.entries]
        if any(other.service_id == deployment.service_id for other in others):
            continue
        if any(_same_commit(other, deployment) for other in others):
            return row
    return None


def _same_commit(one: Deployment, other: Deployment) -> bool:
    return one.commit_sha == other.commit_sha and one.production == other.production and not one.is_rollback


def _same_code(newer: Deployment, older: Deployment) -> bool:
    """Whether the older one is only another build of the same commit and needs no row of its own.

    One that has served is something to go back to: its settings may be others.
    """
    return (
        bool(older.commit_sha)
        and newer.commit_sha == older.commit_sha
        and newer.production == older.production
        and newer.staged == older.staged
        and not (newer.is_rollback or older.is_rollback or older.running or older.served)
        and older.service.live_id != older.pk
        and _at_least_as_good(newer, older)
    )


def _at_least_as_good(newer: Deployment, older: Deployment) -> bool:
    """A deployment that could go in front of users must not be folded under one that could not."""
    usable = newer.status in SERVABLE and newer.missing_since is None and newer.can_roll_back is not False
    return usable or older.status not in SERVABLE or older.missing_since is not None
