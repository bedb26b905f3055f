"""Error share and latency of what is live: before this deployment → now, for all services together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deployments.metrics.series import (
    SWITCH,
    LinePoint,
    Measured,
    Span,
    error_lines,
    error_word,
    milliseconds,
    percent,
    rate,
    share_and_latency,
)
from deployments.models import Change, LivePeriod, MetricSource, Service
from deployments.models.served_window import ENOUGH, too_many_failed
from deployments.pages.figures.sparkline import STEP, Mark, Sparkline, draw
from deployments.pages.sentence import Sentence, age_of, sentence
from rollback_portal.jobs import clock
from rollback_portal.text import duration

NOW, BEFORE = timedelta(minutes=5), timedelta(minutes=30)
LINE = timedelta(hours=2)
LATELY, TOGETHER = timedelta(minutes=20), 3  # steps, which together have as many requests as `now`


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """What was measured of one service; None is no data.

    `before` is the half hour before its live deployment, `now` the last 5 minutes since then, `lately` the
    steps of the last 20 minutes since then.
    """

    service: Service
    now: Measured | None
    before: Measured | None
    spark: Sparkline
    lately: Sequence[LinePoint] = ()

    @property
    def failing(self) -> str:
        """ "7.8% of 18,600 requests in the last 5 min failed", where that is too many; "" otherwise."""
        if self.now is None or not self.now.failing:
            return ""
        return f"{self.share_now} of {self.now.requests:,.0f} requests in the last {self._span} failed"

    @property
    def failed_lately(self) -> bool:
        """Whether too many failed in any five or six minutes of the last 20.

        What appears with errors stays until they have been gone for a while, instead of coming and going.
        """
        for end in range(TOGETHER, len(self.lately) + 1):
            steps = self.lately[end - TOGETHER : end]
            requests = sum(one.requests for one in steps)
            errors = sum(one.share * one.requests for one in steps)
            if requests >= ENOUGH and too_many_failed(errors, requests):
                return True
        return False

    @property
    def judged(self) -> bool:
        """Whether enough was measured since it is live to say that errors are not up."""
        return sum(one.requests for one in self.lately) >= ENOUGH

    @property
    def share_now(self) -> str:
        return _share(self.now)

    @property
    def share_before(self) -> str:
        return _share(self.before)

    @property
    def p95_now(self) -> str:
        return _latency(self.now)

    @property
    def p95_before(self) -> str:
        return _latency(self.before)

    @property
    def rate(self) -> str:
        """ "62/s", "0.1/s" or "no data"; the portal's own requests are no visitors'."""
        if self.now is None or self.now.share is None or self.now.source == MetricSource.PROBE:
            return "no data"
        return rate(self.now.per_second)

    @property
    def error_word(self) -> str:
        word = error_word(self.now.source if self.now else MetricSource.PROVIDER)
        return f"{word.capitalize()}, last {self._span}"

    @property
    def tone(self) -> str:
        return "bad" if self.failing else ""

    @property
    def provenance(self) -> Sentence:
        """ "n 18,600, 9 s ago · measured by the provider · before: n 93,000, 30 min up to it"."""
        parts: list[Sentence] = []
        if self.now is not None:
            age = age_of(self.now.last_at, f"numbers-{self.service.pk}")
            parts += [sentence(f"n {self.now.requests:,.0f}, ", age, f" ago · {self.now.measured_by}")]
        if self.before is not None:
            length = duration(self.before.span.length)
            parts += [sentence(f"before: n {self.before.requests:,.0f}, {length} up to this deployment")]
        joined = parts[0] if parts else ()
        return (*joined, *sentence(" · "), *parts[1]) if len(parts) > 1 else joined

    @property
    def shown(self) -> tuple[str, ...]:
        """Everything but the ages, so that a page knows when to draw itself anew."""
        words = (self.share_now, self.share_before, self.p95_now, self.p95_before, self.rate, self.failing)
        return (*words, self.spark.fingerprint)

    @property
    def _span(self) -> str:
        return duration(self.now.span.length if self.now else NOW)


def load_figures(services: Sequence[Service]) -> Mapping[int, LiveFigures]:
    """By the primary key of the service, in six queries at most, however many services there are."""
    now = clock.now()
    spans = [span for service in services for span in _spans(service, now)]
    measured = iter(share_and_latency(spans, now))
    pairs = {service.pk: (next(measured), next(measured)) for service in services}
    ids = [service.pk for service in services]
    since = now - LINE
    lines, marks = error_lines(ids, since, now, STEP), _marks(ids, since)
    return {
        service.pk: LiveFigures(
            service,
            *pairs[service.pk],
            draw(lines.get(service.pk, ()), marks[service.pk], since, now),
            _lately(lines.get(service.pk, ()), service, now),
        )
        for service in services
    }


def _lately(line: Sequence[LinePoint], service: Service, now: datetime) -> Sequence[LinePoint]:
    """A step in which another deployment was live, too, counts for neither."""
    live_since = service.live.live_since if service.live else None
    since = max(now - LATELY, live_since or now - LATELY)
    return tuple(one for one in line if one.at >= since)


def _spans(service: Service, now: datetime) -> tuple[Span, Span]:
    """Now, and before. Where it is unknown since when the deployment is live, nothing was before it."""
    live_since = service.live.live_since if service.live else None
    began = now - NOW
    if live_since is None:
        return Span(service.pk, began, now), Span(service.pk, began, began)
    since = min(max(began, live_since), now)
    until = live_since - SWITCH
    return Span(service.pk, since, now), Span(service.pk, until - BEFORE, until)


def _marks(ids: Sequence[int], since: datetime) -> Mapping[int, list[Mark]]:
    found: dict[int, list[Mark]] = defaultdict(list)
    periods = LivePeriod.objects.filter(service__in=ids, since__gte=since)
    for service_id, at in periods.values_list("service", "since"):
        found[service_id].append(Mark("deployment", at))
    changes = Change.objects.filter(service__in=ids, operation__requested_at__gte=since)
    ordered = changes.values_list("service", "operation__requested_at", "operation__incident_began_at")
    for service_id, at, incident_at in ordered:
        found[service_id].append(Mark("operation", at))
        if incident_at is not None and since <= incident_at:
            found[service_id].append(Mark("incident", incident_at))
    return found


def _share(measured: Measured | None) -> str:
    return "no data" if measured is None or measured.share is None else percent(measured.share)


def _latency(measured: Measured | None) -> str:
    """ "310 ms", "1.9 s" or "no data"."""
    return "no data" if measured is None or measured.p95_ms is None else milliseconds(measured.p95_ms)
