"""The two lists on one time axis: one row per moment, the same commit on the same row where possible.

Pure arrangement: deployments come in newest first, rows come out. Nothing is read here, so the same
deployments always give the same picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from deployments.models import Deployment, Service
from deployments.models.deployment import SERVABLE

TWINS = timedelta(hours=1)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
ROWS = 30
LONGEST_CURSOR = 4_000


@dataclass(slots=True)
class Entry:
    """One deployment on the axis, with older builds of the same code folded under it."""

    deployment: Deployment
    again: list[Deployment] = field(default_factory=list)


@dataclass(slots=True)
class Moment:
    """One row. `cells` has one list per column, in the columns' order."""

    at: datetime
    cells: list[list[Entry]]

    @property
    def entries(self) -> list[Entry]:
        return [entry for cell in self.cells for entry in cell]


@dataclass(frozen=True, slots=True)
class Column:
    """One side of the axis: the services of one kind."""

    kind: str
    label: str
    services: tuple[Service, ...]

    @property
    def title(self) -> str:
        return self.services[0].short if len(self.services) == 1 else self.label


@dataclass(frozen=True, slots=True)
class Axis:
    """A page of moments; `older` is the cursor of the page after it, "" at the end."""

    columns: tuple[Column, ...]
    moments: tuple[Moment, ...]
    older: str = ""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: below this deployment, and without those that were shown ahead of their turn."""

    at: datetime
    pk: int
    shown: tuple[int, ...] = ()

    def __str__(self) -> str:
        microseconds = (self.at - BEGINNING) // timedelta(microseconds=1)
        return ".".join(str(number) for number in (microseconds, self.pk, *self.shown))

    @classmethod
    def read(cls, text: str) -> Cursor | None:
        """The cursor that `str()` wrote, or None for anything else."""
        parts = text.split(".")
        if (
            len(parts) < 2
            or len(text) > LONGEST_CURSOR
            or not all(part.isascii() and part.isdigit() for part in parts)
        ):
            return None
        microseconds, pk, *shown = (int(part) for part in parts)
        try:
            return cls(BEGINNING + timedelta(microseconds=microseconds), _big(pk), tuple(map(_big, shown)))
        except OverflowError:
            return None


def _big(number: int) -> int:
    """The number, if it fits into a primary key."""
    if number >= 2**63:
        raise OverflowError(number)
    return number


def columns_of(services: Iterable[Service]) -> tuple[Column, ...]:
    """API to the left, web to the right; a side without a service has no column."""
    by_kind = {kind: tuple(service for service in services if service.kind == kind) for kind in Service.Kind}
    return tuple(Column(kind.value, kind.label, found) for kind, found in by_kind.items() if found)


def lay_out(
    deployments: Sequence[Deployment],
    columns: tuple[Column, ...],
    *,
    complete: bool,
    rows: int = ROWS,
    start: Cursor | None = None,
) -> Axis:
    """Arrange deployments on the axis.

    Args:
        deployments: newest first, of the columns' services.
        complete: whether there are none older than the last of them.
        rows: how many moments one page holds.
        start: where this page begins, None for the first one.

    Returns:
        At most `rows` moments. A twin that stands beyond the last row is shown with its commit all
        the same, and the cursor remembers it, so that no page shows it twice.
    """
    place = {service.pk: index for index, column in enumerate(columns) for service in column.services}
    moments: list[Moment] = []
    newest: dict[int, Entry] = {}
    last: Deployment | None = None
    ahead: list[int] = []
    full = False
    for deployment in deployments:
        side = place[deployment.service_id]
        above = newest.get(deployment.service_id)
        twin = _twin(deployment, moments)
        if not full and above is not None and _same_code(above.deployment, deployment):
            above.again.append(deployment)
        elif twin is not None:
            newest[deployment.service_id] = _put(deployment, twin, side)
        elif full or len(moments) == rows:
            full = True
            continue
        else:
            moments.append(Moment(deployment.created_at, [[] for _ in columns]))
            newest[deployment.service_id] = _put(deployment, moments[-1], side)
        if full:
            ahead.append(deployment.pk)
        else:
            last = deployment
    older = _next(last, ahead, start) if full or not complete else ""
    return Axis(columns, tuple(moments), older)


def _next(last: Deployment | None, ahead: list[int], start: Cursor | None) -> str:
    """The cursor below `last`; what an earlier page showed ahead may still lie below it, if it is near."""
    if last is None:
        return ""
    near = start is not None and start.at - last.created_at <= TWINS
    return str(Cursor(last.created_at, last.pk, (*(start.shown if start and near else ()), *ahead)))


def _put(deployment: Deployment, moment: Moment, side: int) -> Entry:
    entry = Entry(deployment)
    moment.cells[side].append(entry)
    return entry


def _twin(deployment: Deployment, moments: Sequence[Moment]) -> Moment | None:
    """The row of the same commit in another service, if it happened at about the same time."""
    if not deployment.commit_sha or deployment.is_rollback:
        return None
    for moment in reversed(moments):
        if moment.at - deployment.created_at > TWINS:
            return None
        others = [entry.deployment for entry in moment.entries]
        if any(other.service_id == deployment.service_id for other in others):
            continue
        if any(_twins(other, deployment) for other in others):
            return moment
    return None


def _twins(one: Deployment, other: Deployment) -> bool:
    return one.commit_sha == other.commit_sha and one.production == other.production and not one.is_rollback


def _same_code(newer: Deployment, older: Deployment) -> bool:
    """The older one is only one more build of the newer one's code, and nothing worth its own row."""
    return (
        bool(older.commit_sha)
        and newer.commit_sha == older.commit_sha
        and newer.production == older.production
        and newer.staged == older.staged
        and not (newer.is_rollback or older.is_rollback or older.running)
        and older.service.live_id != older.pk
        and _at_least_as_good(newer, older)
    )


def _at_least_as_good(newer: Deployment, older: Deployment) -> bool:
    """Nothing that could be put in front of users may hide under something that could not."""
    usable = newer.status in SERVABLE and newer.missing_since is None and newer.can_roll_back is not False
    return usable or older.status not in SERVABLE or older.missing_since is not None
