"""What was rolled back from: when, by whom and why. It is known to be bad until it has been put live again.

The portal's own rollbacks, the pins of rollbacks outside it, and those without a pin all count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from deployments.models import (
    ActKind,
    Change,
    CommitMark,
    Deployment,
    LivePeriod,
    OperationKind,
    OutsideAct,
    Pin,
    Service,
)
from deployments.operations.past.builds import Builds, Built
from rollback_portal.text import clean_line, time_of_day

RECENT = timedelta(days=90)  # what was rolled back from longer ago is history
# Every dashboard asks, so no more is read than is shown.
OF_CHANGE = (
    "service_id", "from_deployment_id", "to_deployment_id", "ended_at", "operation__requested_at",
    "operation__requested_by_name", "operation__reason", "operation__reason_detail", "operation__incident",
)  # fmt: skip
OF_PIN = (
    "service_id", "rolled_back_from_id", "deployment_id", "replaces_id", "pinned_at", "pinned_by", "reason",
    "incident", "released_at", "change__status",
)  # fmt: skip
OF_PERIOD = (
    "service_id", "deployment__provider_id", "deployment_id", "deployment__created_at", "since",
    "service__deployments__pk", "service__deployments__created_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RolledBack:
    """A rollback away from one deployment to another.

    Args:
        to: what it put in front of users, where that is known.
        at: when it happened, outside the portal by the provider's clock.
        learned_at: when the portal knew of it, by its own clock.
        standing: it still holds the service, so the deployment comes back by leaving the rollback.
    """

    service_id: int
    left: int
    to: int | None
    at: datetime
    learned_at: datetime
    by: str
    why: str = ""
    incident: str = ""
    standing: bool = False

    @property
    def words(self) -> str:
        """ "13:51 by Ana Ruiz: Error rate up: 500s"."""
        why = f": {clean_line(self.why, 120)}" if self.why else ""
        return f"{time_of_day(self.at)} by {clean_line(self.by or 'somebody', 80)}{why}"

    @property
    def way_back(self) -> str:
        """Why a list has no button for it: the first one must not bring back what is known to be bad."""
        if self.standing:
            return "rolled back from; leave the rollback to bring it back"
        return "rolled back from; open it to bring it back all the same"


def rollbacks_of(services: Sequence[Service], builds: Builds) -> dict[int, RolledBack]:
    """The rollback away from each build that is known to be bad, by the primary key of the build."""
    since = timezone.now() - RECENT
    acts = _outside_acts(services, since)
    learned = {act.pin_id: act.learned_at for act in acts if act.pin_id is not None}
    found = [*_outside(acts, builds, since), *_changes(services, since), *_pins(services, since, learned)]
    timelines = _timelines({one.service_id for one in found}, builds, since)
    live = {builds.pk(service.live_id) for service in services if service.live_id}
    alike: dict[tuple[int, int | None], list[RolledBack]] = {}
    for rollback in sorted((one for one in found if not one.standing), key=lambda one: one.learned_at):
        alike.setdefault(_builds(rollback, builds), []).append(rollback)
    bad: dict[int, RolledBack] = {}
    for rollback in sorted(found, key=lambda one: (one.standing, one.at)):
        build = builds.pk(rollback.left)
        timeline, same = timelines.get(rollback.service_id, []), alike.get(_builds(rollback, builds), [])
        if build not in live and not _is_back(rollback, builds, timeline, same):
            bad[build] = rollback
    good = _marked_good(bad)
    return {build: rollback for build, rollback in bad.items() if build not in good}


def _builds(rollback: RolledBack, builds: Builds) -> tuple[int, int | None]:
    return builds.pk(rollback.left), None if rollback.to is None else builds.pk(rollback.to)


def _timelines(services: set[int], builds: Builds, since: datetime) -> dict[int, list[Built]]:
    """Which builds of each service began to serve, and when, by its provider's clock."""
    if not services:
        return {}
    periods = LivePeriod.objects.filter(service__in=services, since__gt=since - RECENT).order_by(
        "since", "pk"
    )
    found: dict[int, list[Built]] = {}
    for service_id, deployment_id, began in periods.values_list("service_id", "deployment_id", "since"):
        found.setdefault(service_id, []).append(Built(builds.pk(deployment_id), began))
    return found


def _is_back(
    rollback: RolledBack, builds: Builds, timeline: Sequence[Built], alike: Sequence[RolledBack]
) -> bool:
    """Whether it served again after this rollback.

    The same two may have followed each other several times: one that stands is the last time, and where there
    are as many as rollbacks `alike`, each is one of them in turn, whatever the clocks say. Else it is the
    time next to when it was recorded. Where no reading saw that, it is back if it served after what it was
    left for.
    """
    if rollback.to is None:
        return False
    left, to = builds.pk(rollback.left), builds.pk(rollback.to)
    order = [built.pk for built in timeline]
    moves = [
        place
        for place, (before, after) in enumerate(pairwise(timeline), 1)
        if (before.pk, after.pk) == (left, to)
    ]
    if moves and rollback.standing:
        return left in order[moves[-1] :]
    if len(moves) == len(alike) and rollback in alike:
        return left in order[moves[alike.index(rollback)] :]
    if moves:
        return left in order[min(moves, key=lambda place: abs(timeline[place].at - rollback.at)) :]
    return to in order and left in order[_last(order, to) :]


def _last(order: Sequence[int], build: int) -> int:
    return max(place for place, one in enumerate(order) if one == build)


def _marked_good(bad: Mapping[int, RolledBack]) -> set[int]:
    """Those that somebody has marked good since; what a standing rollback left comes back by leaving it."""
    past = [build for build, rollback in bad.items() if not rollback.standing]
    if not past:
        return set()
    good = CommitMark.objects.standing().filter(verdict="good", commit=OuterRef("commit_sha"))
    return set(Deployment.objects.filter(Exists(good), pk__in=past).values_list("pk", flat=True))


def _changes(services: Iterable[Service], since: datetime) -> Iterator[RolledBack]:
    """The portal's own, also if the target then failed: the old deployment was still rolled back from.

    Whoever asked for one may have said that what it takes away is not bad.
    """
    moved = Q(status="succeeded") | Q(status_times__has_key="serving")
    changes = Change.objects.filter(
        moved,
        service__in=services,
        operation__kind=OperationKind.ROLL_BACK,
        from_deployment__isnull=False,
        operation__requested_at__gt=since,
    ).exclude(operation__marks_bad=False)
    for change in changes.select_related("operation").only(*OF_CHANGE).order_by("pk"):
        operation = change.operation
        yield RolledBack(
            change.service_id,
            change.from_deployment_id or 0,
            change.to_deployment_id,
            change.ended_at or operation.requested_at,
            change.ended_at or operation.requested_at,
            operation.requested_by_name,
            operation.why,
            operation.incident,
        )


def _pins(
    services: Iterable[Service], since: datetime, learned: Mapping[int, datetime]
) -> Iterator[RolledBack]:
    """Those of rollbacks that stand, with all that they replaced, and those made outside the portal.

    The pin of a rollback that is still under way does not count yet.
    """
    wanted = Q(released_at=None) | Q(pinned_at__gt=since)
    rows = Pin.objects.filter(wanted, service__in=services).select_related("change").only(*OF_PIN)
    pins = {pin.pk: pin for pin in rows}
    standing: set[int] = set()
    for pin in pins.values():
        chain = pin if pin.released_at is None else None
        while chain is not None:
            if chain.change is None or not chain.change.active:
                standing.add(chain.pk)
            chain = pins.get(chain.replaces_id or 0)
    for pk, pin in pins.items():
        if pin.rolled_back_from_id is not None and (pk in standing or pin.outside):
            yield RolledBack(
                pin.service_id,
                pin.rolled_back_from_id,
                pin.deployment_id,
                pin.pinned_at,
                learned.get(pk, pin.pinned_at),
                pin.pinned_by,
                pin.reason,
                pin.incident,
                standing=pk in standing,
            )


def _outside_acts(services: Iterable[Service], since: datetime) -> Sequence[OutsideAct]:
    acts = OutsideAct.objects.filter(
        service__in=services, kind=ActKind.ROLLED_BACK, change=None, learned_at__gt=since
    )
    return list(acts.order_by("pk"))


def _outside(acts: Iterable[OutsideAct], builds: Builds, since: datetime) -> Iterator[RolledBack]:
    """Rollbacks outside the portal without a pin, as automatic deploys stayed on or a pin stood already.

    What they left is what stopped serving when their target began, and is newer.
    """
    by_target = {(act.service_id, act.target): act for act in acts if act.pin_id is None}
    if not by_target:
        return
    begun = LivePeriod.objects.filter(
        service__in={service_id for service_id, _ in by_target},
        deployment__provider_id__in={target for _, target in by_target},
        since__gt=since,
        service__deployments__live_until=F("since"),
    )
    for service_id, target, to, to_made, at, left, left_made in begun.values_list(*OF_PERIOD):
        act = by_target.get((service_id, target))
        built, left_built = builds.built_at(to, to_made), builds.built_at(left, left_made)
        if act is None or (built is not None and left_built is not None and built >= left_built):
            continue
        yield RolledBack(service_id, left, to, at, act.learned_at, act.actor, "outside the portal")
