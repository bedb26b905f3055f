"""Counts how each deployment did while it was live, once that has ended, so that pages only read a column.

A period is counted when it ends, again when late points have come, and a last time after what an outage left
out has been read. In between nothing changes, however often a page looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from deployments.metrics.series import SWITCH, Measured, Span, is_finest, share_and_latency
from deployments.metrics.storage import ROLLUP, bucket
from deployments.models import Deployment, LivePeriod, MetricSource
from deployments.models.metric_point import ROLLUPS_KEPT
from rollback_portal.jobs import clock

LAST_PART = timedelta(minutes=30)  # of a period: harm that came late is lost among days of good hours
LATE, LAST = timedelta(minutes=10), timedelta(hours=24)  # after its end; the points are kept for longer
AT_ONCE = 200  # periods in a pass
NUMBERS = ("live_requests", "live_errors", "end_requests", "end_errors", "live_source")
COUNTS = ("requests", "errors", "end_requests", "end_errors", "source", "counted_to", "counted_at")
DUE = """
SELECT period.id, after.since FROM deployments_liveperiod AS after CROSS JOIN LATERAL (
  SELECT * FROM deployments_liveperiod WHERE service_id = after.service_id AND since < after.since
  ORDER BY since DESC LIMIT 1
) AS period
WHERE after.since > %(now)s::timestamptz - %(kept)s AND after.since <= %(now)s AND (
  period.counted_to IS DISTINCT FROM after.since OR
  (period.counted_at < after.since + %(late)s AND after.since + %(late)s <= %(now)s) OR
  (period.counted_at < after.since + %(last)s AND after.since + %(last)s <= %(now)s)
)
ORDER BY after.since DESC LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class _Ended:
    """A period, and when it ended."""

    period: LivePeriod
    until: datetime

    def span(self, now: datetime, longest: timedelta | None = None) -> Span:
        """What of it counts: no moment in which another deployment answered, too.

        Five-minute rows are counted as a whole, so the last one must lie before the end.
        """
        until = self.until - SWITCH
        since = self.period.since + SWITCH
        if longest is not None:
            since = max(since, until - longest)
        span = Span(self.period.service_id, since, max(since, until))
        if is_finest(span.since, span.until, now):
            return span
        return Span(span.service_id, since, max(since, bucket(until, ROLLUP)))


def count_live_periods() -> int:
    """Count what has ended and is due. Returns how many periods that was."""
    now = clock.now()
    ended = _due(now)
    if not ended:
        return 0
    wholes = share_and_latency([one.span(now) for one in ended], now)
    ends = share_and_latency([one.span(now, LAST_PART) for one in ended], now)
    with transaction.atomic():
        for one, whole, end in zip(ended, wholes, ends, strict=True):
            _set(one, whole, end, now)
        LivePeriod.objects.bulk_update([one.period for one in ended], COUNTS)
        _save_sums({one.period.deployment_id for one in ended})
    return len(ended)


def _due(now: datetime) -> Sequence[_Ended]:
    times: dict[str, Any] = {
        "now": now, "kept": ROLLUPS_KEPT, "late": LATE, "last": LAST, "most": AT_ONCE,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(DUE, times)
        ends = dict(cursor.fetchall())
    periods = LivePeriod.objects.filter(pk__in=ends).order_by("pk")
    return [_Ended(period, ends[period.pk]) for period in periods]


def _set(ended: _Ended, whole: Measured | None, end: Measured | None, now: datetime) -> None:
    """The end counts only as the same source measured it: a share of two sources would be neither's."""
    period = ended.period
    period.counted_to, period.counted_at = ended.until, now
    known = whole if whole is not None and whole.requests > 0 else None
    period.requests, period.errors = (known.requests, known.errors) if known else (None, None)
    period.source = str(known.source) if known else ""
    last = end if end is not None and end.requests > 0 and end.source == period.source else None
    period.end_requests, period.end_errors = (last.requests, last.errors) if last else (None, None)


def _save_sums(deployments: Iterable[int]) -> None:
    """The sums of what was counted of these deployments; the provider's numbers, where it measured."""
    by_deployment: dict[int, list[LivePeriod]] = {}
    for period in LivePeriod.objects.filter(deployment__in=list(deployments)).order_by("since"):
        by_deployment.setdefault(period.deployment_id, []).append(period)
    rows = []
    for pk, periods in by_deployment.items():
        measured = [period for period in periods if period.requests is not None]
        provided = [period for period in measured if period.source == MetricSource.PROVIDER]
        counted = provided or measured
        row = Deployment(pk=pk)
        row.live_requests = sum(period.requests or 0 for period in counted) if counted else None
        row.live_errors = sum(period.errors or 0 for period in counted) if counted else None
        row.live_source = counted[-1].source if counted else ""
        row.end_requests = counted[-1].end_requests if counted else None
        row.end_errors = counted[-1].end_errors if counted else None
        rows.append(row)
    Deployment.objects.bulk_update(rows, NUMBERS)
