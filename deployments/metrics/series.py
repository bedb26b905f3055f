"""What pages and judgements read of the numbers: no writes, and as many queries for one service as for many.

Where the provider measured in a span, its numbers count, because they are of every request; otherwise the
portal's own requests, which `measured_by` says. What is not known is None.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from deployments.metrics.storage import Point
from deployments.models import MetricPoint, MetricRollup, MetricSource
from deployments.models.metric_point import POINTS_KEPT
from deployments.models.served_window import ENOUGH, too_many_failed
from rollback_portal.jobs import clock
from rollback_portal.text import duration

FINEST_UP_TO = timedelta(hours=6)  # spans that are longer are read by five minutes
SWITCH = timedelta(minutes=1)  # around a deployment, while instances are exchanged, counts for neither


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` to before `until`, of one service."""

    service_id: int
    since: datetime
    until: datetime

    @property
    def length(self) -> timedelta:
        return self.until - self.since


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured in a span; `last_at` is when its latest bucket began.

    `requests` counts those of which it is known whether they failed, `errors` those that did. A p95 of
    several buckets is their mean, weighted by requests.
    """

    span: Span
    source: MetricSource
    requests: float
    errors: float
    p95_ms: float | None
    last_at: datetime

    @property
    def share(self) -> float | None:
        """Of the requests that failed, from 0 to 1; None without any."""
        return self.errors / self.requests if self.requests > 0 else None

    @property
    def failing(self) -> bool:
        """Too many of enough requests failed."""
        return self.requests >= ENOUGH and too_many_failed(self.errors, self.requests)

    @property
    def per_second(self) -> float:
        return self.requests / max(self.span.length.total_seconds(), 1.0)

    @property
    def measured_by(self) -> str:
        return self.source.label


def is_finest(since: datetime, until: datetime, now: datetime) -> bool:
    """Whether a span is read at the resolution read, and not by five minutes."""
    return until - since <= FINEST_UP_TO and since >= now - POINTS_KEPT


def points(
    services: Iterable[int], since: datetime, until: datetime
) -> Mapping[int, Mapping[MetricSource, Sequence[Point]]]:
    """Everything measured of these services, oldest first, by source. One query.

    At the resolution read up to 6 h and within the last 48 h, else by five minutes.
    """
    model = MetricPoint if is_finest(since, until, clock.now()) else MetricRollup
    rows = model.objects.filter(service__in=list(services), at__gte=since, at__lt=until).order_by("at")
    found: dict[int, dict[MetricSource, list[Point]]] = defaultdict(lambda: defaultdict(list))
    columns = ("requests", "errors", "p50_ms", "p95_ms", "cpu", "memory", "instances")
    for service_id, source, at, *values in rows.values_list("service_id", "source", "at", *columns):
        one = Point(service_id, MetricSource(source), at, *values)
        found[service_id][one.source].append(one)
    return found


SPAN = ("service_id", "since", "until")
MEASURE = """
SELECT asked.number, source, COALESCE(sum(requests) FILTER (WHERE errors IS NOT NULL), 0),
  COALESCE(sum(errors), 0), COALESCE(sum(p95_ms * requests) FILTER (WHERE requests > 0)
    / sum(requests) FILTER (WHERE p95_ms IS NOT NULL AND requests > 0), avg(p95_ms)), max(at)
FROM unnest(%s::int[], %s::bigint[], %s::timestamptz[], %s::timestamptz[])
  AS asked (number, service, since, until)
JOIN {table} ON service_id = asked.service AND at >= asked.since AND at < asked.until
WHERE requests IS NOT NULL OR p95_ms IS NOT NULL
GROUP BY asked.number, source
"""


def share_and_latency(spans: Sequence[Span], now: datetime | None = None) -> Sequence[Measured | None]:
    """What was measured in each span, in their order; None is no data. Two queries at most.

    `now` is the database's time, where the caller has asked for it already.
    """
    found: dict[int, Measured] = {}
    now = now or clock.now()
    for model in (MetricPoint, MetricRollup):
        is_fine = model is MetricPoint
        numbers = [
            number for number, span in enumerate(spans) if is_finest(span.since, span.until, now) == is_fine
        ]
        if numbers:
            _measure(model._meta.db_table, spans, numbers, found)
    return [found.get(number) for number in range(len(spans))]


def _measure(table: str, spans: Sequence[Span], numbers: list[int], found: dict[int, Measured]) -> None:
    asked = [spans[number] for number in numbers]
    services, since, until = ([getattr(span, name) for span in asked] for name in SPAN)
    with connection.cursor() as cursor:
        cursor.execute(MEASURE.format(table=table), [numbers, services, since, until])
        for number, source, requests, errors, p95_ms, last_at in cursor.fetchall():
            known = found.get(number)
            one = Measured(spans[number], MetricSource(source), requests, errors, p95_ms, last_at)
            if known is None or _counts_more(one, known):
                found[number] = one


def _counts_more(one: Measured, other: Measured) -> bool:
    """The provider's numbers before the portal's, where they say anything about errors."""
    if (one.requests > 0) != (other.requests > 0):
        return one.requests > 0
    return one.source == MetricSource.PROVIDER


def while_live_text(length: timedelta, share: float | None, source: str) -> str:
    """ "was live 3 d 4 h, 5xx 0.1%"."""
    return f"was live {duration(length)}, {share_text(share, source)}"


def share_text(share: float | None, source: str) -> str:
    """ "5xx 0.1%" or "no data"."""
    if share is None:
        return "no data"
    return f"{error_word(source)} {percent(share)}"


def error_word(source: str) -> str:
    """What an error is: the provider counts 5xx, the portal everything that is not a good answer."""
    return "errors" if source == MetricSource.PROBE else "5xx"


# --- One figure for each few minutes, for a line ---

LINE = """
SELECT service_id, source, floor(extract(epoch FROM at) / %s)::bigint AS step,
  sum(requests) FILTER (WHERE errors IS NOT NULL), sum(errors)
FROM deployments_metricpoint
WHERE service_id = ANY(%s) AND at >= %s AND at < %s AND errors IS NOT NULL
GROUP BY service_id, source, step HAVING sum(requests) > 0
ORDER BY step
"""


@dataclass(frozen=True, slots=True)
class LinePoint:
    """The share of errors in the step that begins at `at`, over so many requests."""

    at: datetime
    share: float
    requests: float


def error_lines(
    services: Sequence[int], since: datetime, until: datetime, step: timedelta
) -> Mapping[int, Sequence[LinePoint]]:
    """The share of errors of each service by steps; a step without data is not there. One query."""
    seconds = int(step.total_seconds())
    by_source: dict[int, dict[str, list[LinePoint]]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(LINE, [seconds, list(services), since, until])
        for service_id, source, number, requests, errors in cursor.fetchall():
            at = datetime.fromtimestamp(int(number) * seconds, since.tzinfo)
            by_source[service_id].setdefault(source, []).append(LinePoint(at, errors / requests, requests))
    order = (MetricSource.PROVIDER, MetricSource.PROBE)
    return {
        service_id: next(lines[source] for source in order if source in lines)
        for service_id, lines in by_source.items()
    }


def percent(share: float) -> str:
    """ "7.8%"; a share that is not nothing is never written as "0.0%"."""
    shown = share * 100
    if 0 < shown < 0.05:
        return "under 0.1%"
    return f"{shown:.0f}%" if shown >= 99.95 or shown == 0 else f"{shown:.1f}%"


def milliseconds(latency: float) -> str:
    """ "310 ms" or "1.9 s"."""
    return f"{latency / 1000:.1f} s" if latency >= 1000 else f"{latency:.0f} ms"


def rate(per_second: float) -> str:
    """ "62/s" or "0.1/s"."""
    return f"{per_second:.0f}/s" if per_second >= 10 else f"{per_second:.1f}/s"
