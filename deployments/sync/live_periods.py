"""When each deployment stood in front of users: beginnings go in, durations come out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from deployments.models import Deployment, LivePeriod, Service

SAME_MOMENT = timedelta(seconds=90)  # the provider's clock, its event and our own look differ by as much

Beginning = tuple[datetime, Deployment]


def keep_servings(
    service: Service, beginnings: Iterable[Beginning], live: Deployment | None, now: datetime
) -> None:
    """Remember new beginnings and, where any came in, work out again how long everything was live.

    Args:
        service: locked by the caller.
        beginnings: when deployments began to serve, as far as the provider tells; repeats are fine.
        live: what serves now; begins now where no beginning explains it.
    """
    known = list(LivePeriod.objects.filter(service=service).select_related("deployment"))
    fresh = [beginning for beginning in beginnings if not _is_known(beginning, known)]
    timeline = sorted(
        [(serving.since, serving.deployment) for serving in known] + fresh, key=lambda each: each[0]
    )
    if live is not None and (not timeline or timeline[-1][1] != live):
        fresh.append((now, live))
        timeline.append((now, live))
    if not fresh:
        return
    LivePeriod.objects.bulk_create(
        [LivePeriod(service=service, deployment=deployment, since=since) for since, deployment in fresh],
        ignore_conflicts=True,
    )
    _write_durations(service, timeline, live)


def _is_known(beginning: Beginning, known: list[LivePeriod]) -> bool:
    since, deployment = beginning
    return any(
        serving.deployment_id == deployment.pk and abs(serving.since - since) <= SAME_MOMENT
        for serving in known
    )


def _write_durations(service: Service, timeline: list[Beginning], live: Deployment | None) -> None:
    seconds: dict[int, float] = {}
    until: dict[int, datetime] = {}
    since_live: datetime | None = None
    for (since, deployment), (end, _) in pairwise(timeline):
        seconds[deployment.pk] = seconds.get(deployment.pk, 0.0) + (end - since).total_seconds()
        until[deployment.pk] = end
    for since, deployment in reversed(timeline):
        if live is None or deployment != live:
            break
        since_live = since
    rows = Deployment.objects.filter(service=service, pk__in={deployment.pk for _, deployment in timeline})
    changed = []
    for row in rows:
        is_live = live is not None and row.pk == live.pk
        row.live_seconds = round(seconds.get(row.pk, 0.0))
        row.live_since = since_live if is_live else None
        row.live_until = None if is_live else until.get(row.pk)
        row.served = True
        changed.append(row)
    lapsed = Deployment.objects.filter(service=service, live_since__isnull=False)
    (lapsed.exclude(pk=live.pk) if live else lapsed).update(live_since=None)
    Deployment.objects.bulk_update(changed, ["live_seconds", "live_since", "live_until", "served"])
