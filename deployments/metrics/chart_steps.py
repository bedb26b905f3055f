"""The numbers of one service by equal steps of time, for its charts. What is not known is None."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean

from django.db import connection

from deployments.metrics.series import Span
from deployments.metrics.storage import RESOLUTIONS, ROLLUP
from deployments.models import MetricPoint, MetricRollup, MetricSource

MEANS = ("p50_ms", "p95_ms", "cpu", "memory")
# A bucket that has not ended has too few requests for a rate; for a share or a latency it counts.
BY_STEP = """
SELECT source, floor(extract(epoch FROM at) / %s)::bigint AS step, max(at),
  sum(requests) FILTER (WHERE at <= %s - resolution), count(requests) FILTER (WHERE at <= %s - resolution),
  sum(requests) FILTER (WHERE errors IS NOT NULL), sum(errors), {means}
FROM {table} JOIN unnest(%s::text[], %s::interval[]) AS sources (name, resolution) ON name = source
WHERE service_id = %s AND at >= %s AND at < %s
GROUP BY source, step ORDER BY step
"""
WEIGHED = """COALESCE(sum({name} * requests) / NULLIF(sum(requests) FILTER (WHERE {name} IS NOT NULL), 0),
  avg({name})), COALESCE(sum(requests) FILTER (WHERE {name} IS NOT NULL), 0)"""
COUNTED = "avg({name}), count({name})"


@dataclass(frozen=True, slots=True)
class WeightedMean:
    """A mean, and how much it counts beside others: a latency by its requests, CPU and memory by buckets."""

    value: float | None
    weight: float

    @staticmethod
    def of(parts: Iterable[WeightedMean]) -> WeightedMean:
        known = [(part.value, part.weight) for part in parts if part.value is not None]
        if not known:
            return WeightedMean(None, 0)
        weight = sum(weight for _, weight in known)
        if weight == 0:
            return WeightedMean(fmean(value for value, _ in known), 0)
        return WeightedMean(sum(value * weight for value, weight in known) / weight, weight)


@dataclass(frozen=True, slots=True)
class ChartStep:
    """What one source measured in the step that begins at `at`.

    Attributes:
        last_at: when its latest bucket began.
        counted, seconds: the requests of the buckets that have ended, and how long these are together.
        judged, errors: the requests of which it is known whether they failed, and those that did.
        p50_ms, p95_ms, cpu, memory: see `MetricValues`. Quantiles of parts give none of the whole: this is
            their mean, weighted by requests.
    """

    at: datetime
    last_at: datetime
    counted: float | None
    seconds: float
    judged: float | None
    errors: float | None
    p50_ms: WeightedMean
    p95_ms: WeightedMean
    cpu: WeightedMean
    memory: WeightedMean

    @property
    def share(self) -> float | None:
        """Of the requests that failed, from 0 to 1; None without any."""
        return self.errors / self.judged if self.errors is not None and self.judged else None

    @property
    def per_second(self) -> float | None:
        return self.counted / self.seconds if self.counted is not None and self.seconds else None


def chart_steps(span: Span, step: timedelta, until: datetime) -> Mapping[MetricSource, Sequence[ChartStep]]:
    """What was measured in the span, oldest first; a step without data is not there. One query.

    Steps are counted from 1970, so that they stay where they are while the span moves. Steps of five minutes
    and more are read from the five-minute rows.

    Args:
        until: the time now: of a bucket that has not ended by then, requests are not counted.
    """
    seconds = int(step.total_seconds())
    rolled_up = seconds >= ROLLUP
    model = MetricRollup if rolled_up else MetricPoint
    resolutions = {source: ROLLUP if rolled_up else RESOLUTIONS[source] for source in MetricSource}
    means = ", ".join((WEIGHED if name.endswith("_ms") else COUNTED).format(name=name) for name in MEANS)
    lengths = [timedelta(seconds=length) for length in resolutions.values()]
    found: dict[MetricSource, list[ChartStep]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            BY_STEP.format(table=model._meta.db_table, means=means),
            [seconds, until, until, list(map(str, resolutions)), lengths, *_bounds(span)],
        )
        for source, number, last_at, counted, buckets, judged, errors, *pairs in cursor.fetchall():
            at = datetime.fromtimestamp(int(number) * seconds, span.since.tzinfo)
            measured = [WeightedMean(*pair) for pair in zip(pairs[::2], pairs[1::2], strict=True)]
            length = buckets * resolutions[MetricSource(source)]
            one = ChartStep(at, last_at, counted, length, judged, errors, *measured)
            found[MetricSource(source)].append(one)
    return found


def _bounds(span: Span) -> tuple[int, datetime, datetime]:
    return span.service_id, span.since, span.until


def together(steps: Sequence[ChartStep]) -> ChartStep:
    """Several steps, at least one, as one longer step that begins with the first."""
    counted, judged, errors = (
        _sum(getattr(step, name) for step in steps) for name in ("counted", "judged", "errors")
    )
    means = [WeightedMean.of(getattr(step, name) for step in steps) for name in MEANS]
    seconds = sum(step.seconds for step in steps)
    return ChartStep(steps[0].at, steps[-1].last_at, counted, seconds, judged, errors, *means)


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
