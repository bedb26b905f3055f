"""Which points are from before, which from the incident, and which from after an operation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from deployments.analysis.onset import error_onset, latency_onset
from deployments.analysis.points import TrafficPoint, TrafficSource, in_order

BASELINE = timedelta(hours=2)  # right before, so that the time of day is about the same
SEARCHED = timedelta(hours=6)  # for the incident's beginning
INCIDENT = timedelta(minutes=30)  # the newest part of it is what the act was meant for


@dataclass(frozen=True, slots=True)
class Windows:
    """The points of each time; `incident_since` is given, found, or the left deployment's first second."""

    before: list[TrafficPoint]
    incident: list[TrafficPoint]
    after: list[TrafficPoint]
    incident_since: datetime


def windows(
    points: Iterable[TrafficPoint],
    *,
    left_live_since: datetime,
    acted_at: datetime,
    served_at: datetime,
    incident_since: datetime | None = None,
) -> Windows:
    """Cut the points of one service at the times of an operation.

    `left_live_since` is when the deployment that was left went live, `acted_at` when the order was sent,
    `served_at` when all addresses answered with the target. An interval across one of these belongs to
    neither side. Without `incident_since` the beginning is searched for, so that harm that began late, or
    before that deployment, is not measured with the quiet time around it.
    """
    known = list(points)
    since = incident_since or _found(known, acted_at) or left_live_since
    quiet_until = min(since, left_live_since)
    starts = max(since, acted_at - INCIDENT)
    return Windows(
        [point for point in known if quiet_until - BASELINE <= point.time and point.end <= quiet_until],
        [point for point in known if starts <= point.time and point.end <= acted_at],
        [point for point in known if served_at <= point.time],
        since,
    )


def _found(points: Iterable[TrafficPoint], acted_at: datetime) -> datetime | None:
    recent = [point for point in points if acted_at - SEARCHED <= point.time and point.end <= acted_at]
    for source in TrafficSource:
        own = in_order(recent, source)
        onsets = [onset for onset in (error_onset(own), latency_onset(own)) if onset is not None]
        if onsets:
            return min(onset.began for onset in onsets)
    return None
