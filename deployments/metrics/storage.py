"""Keeps what was measured. The same point may come twice, late or out of order: the rows are the same.

Every write also brings the five-minute rows of its points up to date, in the same transaction, so that these
never lag behind and a late point still counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.db import connection, transaction

from deployments.models import MetricPoint, MetricRollup, MetricSource
from deployments.models.metric_point import POINTS_KEPT, ROLLUPS_KEPT
from rollback_portal.jobs import clock

RESOLUTIONS = {MetricSource.PROVIDER: 30, MetricSource.PROBE: 15}  # seconds
ROLLUP = 300  # seconds
AHEAD = timedelta(minutes=2)  # a point of a later time than that from now is of a clock that is wrong
MARGIN = timedelta(minutes=10)  # a point is deleted that much after it is refused


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured of a service in one bucket; see `MetricValues`. None is "no data"."""

    service_id: int
    source: MetricSource
    at: datetime
    requests: float | None = None
    errors: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    cpu: float | None = None
    memory: float | None = None
    instances: float | None = None


COLUMNS = tuple(field.name for field in fields(Point))
VALUES = COLUMNS[3:]
INSERT = """
INSERT INTO deployments_metricpoint AS known ({columns})
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], {arrays})
ON CONFLICT (service_id, source, at) DO UPDATE SET
""".format(columns=", ".join(COLUMNS), arrays=", ".join(["%s::float8[]"] * len(VALUES)))
# A later answer puts an earlier one right; what it does not know stays. Errors belong to their requests.
UPSERT = INSERT + ", ".join(
    "errors = CASE WHEN EXCLUDED.requests IS NULL THEN known.errors ELSE EXCLUDED.errors END"
    if name == "errors"
    else f"{name} = COALESCE(EXCLUDED.{name}, known.{name})"
    for name in VALUES
)
# Two rounds of the portal's own requests in one bucket are different requests.
ADD = f"""{INSERT} requests = known.requests + EXCLUDED.requests, errors = known.errors + EXCLUDED.errors,
  p50_ms = COALESCE((known.p50_ms * known.requests + EXCLUDED.p50_ms * EXCLUDED.requests)
    / NULLIF(known.requests + EXCLUDED.requests, 0), EXCLUDED.p50_ms, known.p50_ms),
  p95_ms = GREATEST(known.p95_ms, EXCLUDED.p95_ms)
"""
# Quantiles of parts give no quantile of the whole: their mean, weighted by requests, comes closest. Where the
# errors of a part are unknown, those of the whole are.
ROLL_UP = """
INSERT INTO deployments_metricrollup ({columns})
SELECT service_id, source, to_timestamp(floor(extract(epoch FROM at) / 300) * 300) AS bucket, sum(requests),
  CASE WHEN bool_or(requests IS NOT NULL AND errors IS NULL) THEN NULL ELSE sum(errors) END,
  {quantiles}, avg(cpu), avg(memory), max(instances)
FROM deployments_metricpoint
WHERE service_id = ANY(%s) AND source = %s AND at >= %s AND at < %s
GROUP BY service_id, source, bucket
ON CONFLICT (service_id, source, at) DO UPDATE SET {updates}
""".format(
    columns=", ".join(COLUMNS),
    quantiles=", ".join(
        f"COALESCE(sum({name} * requests) FILTER (WHERE {name} IS NOT NULL AND requests > 0)"
        f" / sum(requests) FILTER (WHERE {name} IS NOT NULL AND requests > 0), avg({name}))"
        for name in ("p50_ms", "p95_ms")
    ),
    updates=", ".join(f"{name} = EXCLUDED.{name}" for name in VALUES),
)


def bucket(at: datetime, seconds: int) -> datetime:
    """The beginning of the bucket of so many seconds that a time is in."""
    return datetime.fromtimestamp(at.timestamp() // seconds * seconds, at.tzinfo)


def save_points(points: Iterable[Point]) -> int:
    """Add points, or put right those that are known. Returns how many were kept.

    Of two for the same bucket the later in `points` counts. What is older than the points that are kept, or
    dated ahead of now, is left out.
    """
    return _write(points, UPSERT)


def add_rounds(rounds: Iterable[Point]) -> int:
    """Add rounds of the portal's own requests, each of which comes once, to those of the same bucket."""
    return _write(rounds, ADD)


@transaction.atomic
def _write(points: Iterable[Point], statement: str) -> int:
    now = clock.now()
    oldest, newest = now - POINTS_KEPT, now + AHEAD
    rows: dict[tuple[int, str, datetime], Point] = {}
    for point in points:
        at = bucket(point.at, RESOLUTIONS[point.source])
        if oldest <= at <= newest:
            rows[point.service_id, str(point.source), at] = point
    if not rows:
        return 0
    keys = sorted(rows)  # one order for everybody, so that two writers cannot wait for each other
    keyed = [[key[number] for key in keys] for number in range(3)]
    measured = [[getattr(rows[key], name) for key in keys] for name in VALUES]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*keyed, *measured])
        for source in MetricSource:
            _roll_up(source, [key for key in keys if key[1] == source])
    return len(keys)


def _roll_up(source: MetricSource, keys: Sequence[tuple[int, str, datetime]]) -> None:
    if not keys:
        return
    times, services = [at for _, _, at in keys], sorted({service_id for service_id, _, _ in keys})
    since = bucket(min(times), ROLLUP)
    until = bucket(max(times), ROLLUP) + timedelta(seconds=ROLLUP)
    with connection.cursor() as cursor:
        cursor.execute(ROLL_UP, [services, str(source), since, until])


def prune() -> tuple[int, int]:
    """Delete what is older than it is kept. Returns how many points and five-minute rows."""
    now = clock.now()
    points = MetricPoint.objects.filter(at__lt=now - POINTS_KEPT - MARGIN)
    rollups = MetricRollup.objects.filter(at__lt=now - ROLLUPS_KEPT)
    return points._raw_delete(points.db), rollups._raw_delete(rollups.db)
