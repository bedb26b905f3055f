"""The verdict on an operation's page: the word, the sentence, the numbers, what to do next, and a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from deployments.analysis.next_steps import NextStep, NextStepKind, NextStepReason
from deployments.analysis.points import TrafficSource
from deployments.analysis.sentences import latency, share, step_heading, step_sentence
from deployments.metrics.series import error_lines
from deployments.models import Change, ChangeVerdict, Deployment, MetricSource, VerdictTurn
from deployments.operations.previous import previous
from deployments.pages.figures.sparkline import STEP, Band, Mark, Sparkline, band, draw
from deployments.pages.verdicts.badge import verdict_badge, verdict_of
from rollback_portal.text import clean_line, duration, time_of_day
from rollback_portal.web.badges import Badge

BEFORE = timedelta(minutes=30)  # of the line
LONGEST_WAIT = timedelta(minutes=1)  # for the first look
UNJUDGED = (
    "Nobody has judged it for {length}: no worker runs, or each try fails. Look at the service yourself."
)
FIRST_LOOK = "The first look comes within 10 s."
NO_DATA = "no data"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: before, in the incident, since, and the interval that holds with 95%."""

    name: str
    before: str
    incident: str
    now: str
    interval: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A next step with its reason; a link where the portal leads there."""

    heading: str
    reason: str
    url: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class VerdictPanel:
    """All that `_verdict.html` draws; `row` is None until the first look."""

    badge: Badge
    sentence: str
    row: ChangeVerdict | None = None
    measured_by: str = ""
    rows: Sequence[Row] = ()
    steps: Sequence[Proposal] = ()
    turns: Sequence[VerdictTurn] = ()
    spark: Sparkline | None = None
    bands: Sequence[Band] = ()
    watched: bool = False
    missing: str = ""

    @property
    def seen(self) -> tuple[object, ...]:
        """Everything but the ages, so that a page knows when to draw the panel anew."""
        drawn = self.spark.fingerprint if self.spark else ""
        return (self.badge.word, self.sentence, self.watched, self.rows, self.steps, len(self.turns), drawn)

    @property
    def watch(self) -> str:
        """Until when it is watched, or why it is not any more."""
        if self.row is None:
            return FIRST_LOOK
        until = time_of_day(self.row.watched_until)
        if self.row.superseded_by:
            return f"watched until {until}, when {self.row.superseded_by} went in front of users"
        if self.watched:
            return f"watching until {until}"
        return f"watched until {until}" if self.row.closed_at else "the last points are being read"


def verdict_panel(change: Change, now: datetime) -> VerdictPanel | None:
    """The panel of a change whose target serves; None for others, and where nobody judged then.

    Args:
        change: as `shown()` loads it.
        now: the server's time.
    """
    row, badge = verdict_of(change), verdict_badge(change, now)
    if badge is None:
        return None
    if row is None or row.judged_at is None:
        return VerdictPanel(badge, _first_look(now - (change.ended_at or now)), watched=True)
    unjudged = row.is_unjudged(now)
    sentence = UNJUDGED.format(length=duration(now - row.judged_at)) if unjudged else row.sentence
    since = (change.order_intent_at or row.served_at) - BEFORE
    until = min(now, row.watched_until)
    spark = draw(_line(change, since, until), _marks(change, row, since), since, until)
    return VerdictPanel(
        badge,
        sentence,
        row,
        MetricSource(row.source).label if row.source else "",
        tuple(_rows(row, "" if unjudged else badge.tone)),
        () if unjudged else tuple(_proposals(change, row)),
        tuple(row.history.all()),
        spark,
        _bands(change, row, badge.tone, since, until),
        row.closed_at is None,
        _missing(row),
    )


def _first_look(waited: timedelta) -> str:
    if waited > LONGEST_WAIT:
        return UNJUDGED.format(length=duration(waited))
    return f"The target serves. {FIRST_LOOK}"


def _missing(row: ChangeVerdict) -> str:
    """ "57 of 300. At 0.1/s the rest takes about 40 min."; "" where enough has come, or no rate is known."""
    if not row.missing or row.newest is None or row.newest <= row.served_at:
        return ""
    rate = row.requests / (row.newest - row.served_at).total_seconds()
    if not rate:
        return ""
    said = f"{row.requests:,} of {row.requests + row.missing:,}. At {rate:.2g}/s the rest takes about"
    return f"{said} {duration(row.missing / rate)}. Without it the verdict stays open."


# --- The numbers ---


def _rows(row: ChangeVerdict, tone: str) -> Iterator[Row]:
    """Of the source that decided: the share, the p95 and how much was counted."""
    source = row.source or TrafficSource.PROVIDER.value
    errors = _of(row.numbers.get("errors", ()), source)
    if errors is None:
        return
    probes = source == TrafficSource.PROBE.value
    before, incident, now = errors["before"], errors["incident"], errors["now"]
    found = errors["interval"]
    interval = f"{share(found[0])} to {share(found[1])}" if found else ""
    what = "Probes that failed" if probes else "5xx"
    yield Row(what, _share(before), _share(incident), _share(now), interval, tone)
    slow = _of(row.numbers.get("latency", ()), source)
    if slow is not None:
        yield Row("p95", _latency(slow["before"]), _latency(slow["incident"]), _latency(slow["now"]))
    noun, after = "probes" if probes else "requests", f"{errors['after'][0]:,} since it serves"
    yield Row(f"n, {noun}", f"{before[0]:,}", f"{incident[0]:,}", f"{now[0]:,}", after)


def _of(numbers: Sequence[Mapping[str, Any]], source: str) -> Mapping[str, Any] | None:
    return next((one for one in numbers if one["source"] == source), None)


def _share(count: Sequence[int]) -> str:
    requests, errors = count
    return share(errors / requests) if requests else NO_DATA


def _latency(milliseconds: float | None) -> str:
    return NO_DATA if milliseconds is None else latency(milliseconds)


# --- What to do next ---


def _proposals(change: Change, row: ChangeVerdict) -> Iterator[Proposal]:
    for one in row.next_steps:
        step = NextStep(NextStepKind(one["kind"]), NextStepReason(one["reason"]))
        yield _proposal(change, step)


def _proposal(change: Change, step: NextStep) -> Proposal:
    heading, reason = step_heading(step), step_sentence(step)
    if step.kind in {NextStepKind.OLDER_CANDIDATE, NextStepKind.UNDO}:
        target = previous(change.service)
        if target is not None:
            url = reverse("roll_back", args=[change.service.slug, target.provider_id])
            return Proposal(heading, f"{reason} {_named(target)}", url, f"Roll back to {target.short_sha}…")
        return Proposal(heading, f"{reason} None can serve now: the list of deployments says why.")
    if step.kind == NextStepKind.DATABASE:
        return Proposal(heading, reason, reverse("databases"), "Open the database wizard")
    if step.kind in {NextStepKind.LOOK_ELSEWHERE, NextStepKind.SAY_WHAT_YOU_SEE}:
        return Proposal(heading, reason, "#logs", "Read the log lines below")
    return Proposal(heading, reason)


def _named(target: Deployment) -> str:
    return f"The next one is {target.short_sha} “{clean_line(target.subject, 80)}”."


# --- The line ---


def _line(change: Change, since: datetime, until: datetime) -> Sequence[Any]:
    return error_lines([change.service_id], since, until, STEP).get(change.service_id, ())


def _marks(change: Change, row: ChangeVerdict, since: datetime) -> list[Mark]:
    began = change.operation.incident_began_at
    marks = [Mark("operation", change.order_intent_at)] if change.order_intent_at else []
    marks.append(Mark("deployment", row.served_at))
    return [*marks, *([Mark("incident", began)] if began is not None and began >= since else [])]


def _bands(
    change: Change, row: ChangeVerdict, tone: str, since: datetime, until: datetime
) -> tuple[Band, ...]:
    acted_at = change.order_intent_at or row.served_at
    before = f"before {share(row.share_incident)}" if row.share_incident is not None else "before"
    after = f"after {share(row.share_now)}" if row.share_now is not None else "after"
    parts = (
        band(before, "", (since, acted_at), since, until),
        band(after, tone, (row.served_at, until), since, until),
    )
    return tuple(one for one in parts if one is not None)
