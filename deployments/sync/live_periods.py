"""Saves when each deployment went live, and works out from that how long it was live."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from deployments.models import Deployment, LivePeriod, Service

# The provider's clock, the time of its event and the time of our read may differ by this much.
SAME_MOMENT = timedelta(seconds=90)

Start = tuple[datetime, Deployment]
DURATIONS = ("live_seconds", "live_since", "live_until", "served")


def save_live_periods(
    service: Service, starts: Iterable[Start], live: Deployment | None, now: datetime
) -> None:
    """Save new starts and, where there are any, recompute how long every deployment was live.

    Args:
        service: locked by the caller.
        starts: when deployments went live, as far as the provider tells; known ones are ignored.
        live: the live deployment; where none of the starts explains it, it is live since `now`.
    """
    known = list(LivePeriod.objects.filter(service=service).select_related("deployment"))
    new = [start for start in starts if not _is_known(start, known)]
    timeline = sorted(
        [(period.since, period.deployment) for period in known] + new, key=lambda start: start[0]
    )
    if live is not None and (not timeline or timeline[-1][1] != live):
        # The provider's clock may be ahead, and what is live now is live after all that has been.
        since = max(now, timeline[-1][0] + timedelta(microseconds=1)) if timeline else now
        new.append((since, live))
        timeline.append((since, live))
    if not new:
        return
    LivePeriod.objects.bulk_create(
        [LivePeriod(service=service, deployment=deployment, since=since) for since, deployment in new],
        ignore_conflicts=True,
    )
    _save_durations(service, timeline, live)


def _is_known(start: Start, known: list[LivePeriod]) -> bool:
    since, deployment = start
    return any(
        period.deployment_id == deployment.pk and abs(period.since - since) <= SAME_MOMENT for period in known
    )


def _save_durations(service: Service, timeline: list[Start], live: Deployment | None) -> None:
    seconds: dict[int, float] = {}
    until: dict[int, datetime] = {}
    for (since, deployment), (end, _) in pairwise(timeline):
        seconds[deployment.pk] = seconds.get(deployment.pk, 0.0) + (end - since).total_seconds()
        until[deployment.pk] = end
    live_since = _live_since(timeline, live)
    rows = Deployment.objects.filter(service=service, pk__in={deployment.pk for _, deployment in timeline})
    changed = []
    for row in rows.only(*DURATIONS):
        before = [getattr(row, name) for name in DURATIONS]
        is_live = live is not None and row.pk == live.pk
        row.live_seconds = round(seconds.get(row.pk, 0.0))
        row.live_since = live_since if is_live else None
        row.live_until = None if is_live else until.get(row.pk)
        row.served = True
        if before != [getattr(row, name) for name in DURATIONS]:
            changed.append(row)
    outdated = Deployment.objects.filter(service=service, live_since__isnull=False)
    (outdated.exclude(pk=live.pk) if live else outdated).update(live_since=None)
    Deployment.objects.bulk_update(changed, DURATIONS)


def _live_since(timeline: list[Start], live: Deployment | None) -> datetime | None:
    """The start of the unbroken run of periods at the end of the timeline that belong to `live`."""
    result: datetime | None = None
    for since, deployment in reversed(timeline):
        if live is None or deployment != live:
            break
        result = since
    return result
