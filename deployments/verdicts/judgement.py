"""What the numbers say of one change now: reads rows, writes nothing, and says the same for the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from deployments.analysis.blame import Blame, WentLive, blame
from deployments.analysis.facts import ErrorFacts, Facts, LatencyFacts, facts
from deployments.analysis.measures import Measure
from deployments.analysis.next_steps import NextStep, NextStepKind, NextStepReason, next_steps
from deployments.analysis.points import ErrorCount, TrafficPoint, TrafficSource
from deployments.analysis.sentences import verdict_sentence
from deployments.analysis.verdict import HelpVerdict, Why, Yardstick, judge, yardstick
from deployments.analysis.windows import BASELINE, SEARCHED, windows
from deployments.models import Change, ChangeVerdict, LivePeriod
from deployments.operations.marks import commit_of
from deployments.operations.previous import previous
from deployments.verdicts.migrations import database_changed
from deployments.verdicts.traffic import traffic_of

SWITCH = timedelta(minutes=1)  # before something else serves, while instances are exchanged
UNKNOWN_SINCE = timedelta(hours=2)  # where nobody knows since when the deployment that was left was live


@dataclass(frozen=True, slots=True)
class Superseded:
    """What went in front of users after the target, and when."""

    at: datetime
    name: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its sentence, and the columns of its row that follow from it."""

    said: HelpVerdict
    sentence: str
    columns: dict[str, Any]


def superseded(change: Change, served_at: datetime) -> Superseded | None:
    """What took the target's place first, by the provider's record or by another operation of the portal."""
    target = change.to_deployment
    assert target is not None  # noqa: S101 - only a change with a target has a verdict
    periods = LivePeriod.objects.filter(service=change.service_id, since__gt=served_at)
    for period in periods.select_related("deployment").order_by("since"):
        other = period.deployment
        if other.pk != target.pk and (not commit_of(target) or commit_of(other) != commit_of(target)):
            return Superseded(period.since, f"deployment {other.short_sha}")
    later = Change.objects.filter(service=change.service_id, pk__gt=change.pk, to_deployment__isnull=False)
    for other_change in later.filter(status__in=("serving", "restoring", "succeeded")).order_by("pk"):
        released = other_change.status_times.get("serving")
        if released and datetime.fromisoformat(released) > served_at:
            return Superseded(datetime.fromisoformat(released), "another operation")
    return None


def judge_change(row: ChangeVerdict, now: datetime) -> Judgement:
    """Judge a change at `now`. Its service, deployments and operation must be loaded."""
    change = row.change
    until = min(now, row.watched_until)
    by, recent = _yardstick(change, row.served_at)
    after = [
        point
        for point in traffic_of(change.service_id, row.served_at, until)
        if not row.superseded_by or point.end <= row.watched_until - SWITCH
    ]
    said = judge(by, after, now=until)
    numbers = facts(by, after, said)
    cause = blame(recent, _went_live(change, recent)) if said.word.is_bad and recent else None
    sentence = verdict_sentence(said, numbers, by)
    return Judgement(said, sentence, _columns(change, said, numbers, sentence, cause, now))


def _yardstick(change: Change, served_at: datetime) -> tuple[Yardstick, list[TrafficPoint]]:
    """What it is measured by, and the hours before the order, in which the incident's beginning lies."""
    acted_at = min(change.acted_at, served_at)
    left = _left_live_since(change, acted_at)
    given = change.operation.incident_began_at
    since = given if given is not None and given < acted_at else None
    recent = traffic_of(change.service_id, acted_at - SEARCHED, acted_at)
    cut = windows(recent, left_live_since=left, acted_at=acted_at, served_at=served_at, incident_since=since)
    quiet_until = min(cut.incident_since, left)
    past = windows(
        traffic_of(change.service_id, quiet_until - BASELINE, quiet_until),
        left_live_since=left,
        acted_at=acted_at,
        served_at=served_at,
        incident_since=cut.incident_since,
    )
    return yardstick(past.before, cut.incident, served_at=served_at), recent


def _left_live_since(change: Change, acted_at: datetime) -> datetime:
    left = change.from_deployment
    periods = (
        LivePeriod.objects.filter(deployment=left, since__lte=acted_at) if left else LivePeriod.objects.none()
    )
    last = periods.order_by("-since").first()
    if last is not None:
        return last.since
    known = left.live_since if left else None
    return known if known is not None and known < acted_at else acted_at - UNKNOWN_SINCE


def _went_live(change: Change, recent: list[TrafficPoint]) -> list[WentLive]:
    first, last = min(point.time for point in recent), max(point.end for point in recent)
    periods = LivePeriod.objects.filter(service=change.service_id, since__gte=first, since__lt=last)
    return [
        WentLive(period.deployment.short_sha, period.since) for period in periods.select_related("deployment")
    ]


# --- The row ---


def _columns(
    change: Change, said: HelpVerdict, numbers: Facts, sentence: str, cause: Blame | None, now: datetime
) -> dict[str, Any]:
    source = _source(said, numbers)
    errors = numbers.errors_of(source)
    bad = said.word.is_bad
    steps = next_steps(
        said,
        older_candidate=bad and previous(change.service) is not None,
        database_changed=database_changed(change, now) if bad else None,
        cause=cause,
    )
    return {
        "word": said.word.value,
        "why": said.why.value,
        "newest": said.newest,
        "source": source.value if errors.after.requests else "",
        "requests": errors.after.requests,
        "share_before": errors.before.share,
        "share_incident": errors.incident.share,
        "share_now": errors.now.share,
        "share_low": errors.interval.low if errors.interval else None,
        "share_high": errors.interval.high if errors.interval else None,
        "missing": _missing(said, source),
        "sentence": sentence,
        "numbers": {
            "errors": [_errors_json(one) for one in numbers.errors],
            "latency": [_latency_json(one) for one in numbers.latency],
        },
        "next_steps": [{"kind": step.kind.value, "reason": step.reason.value} for step in steps],
    }


def next_steps_of(row: ChangeVerdict) -> list[NextStep]:
    """The proposals as they were stored."""
    return [NextStep(NextStepKind(one["kind"]), NextStepReason(one["reason"])) for one in row.next_steps]


def _source(said: HelpVerdict, numbers: Facts) -> TrafficSource:
    """Whose numbers decided; where none did, those that the sentence speaks of."""
    if said.decided_by is not None:
        return said.decided_by.source
    users, probes = (numbers.errors_of(one).after.requests for one in TrafficSource)
    return TrafficSource.PROVIDER if users or not probes else TrafficSource.PROBE


def _missing(said: HelpVerdict, source: TrafficSource) -> int:
    """Requests (or probes) until anything can be said; 0 where that is not what it waits for."""
    result = said.result(source, Measure.ERRORS)
    return max(result.needed - result.counted, 0) if said.why == Why.TOO_LITTLE and result else 0


def _errors_json(one: ErrorFacts) -> dict[str, Any]:
    found = one.interval
    return {
        "source": one.source.value,
        "before": _count_json(one.before),
        "incident": _count_json(one.incident),
        "now": _count_json(one.now),
        "after": _count_json(one.after),
        "interval": [found.low, found.high] if found else None,
    }


def _count_json(one: ErrorCount) -> list[int]:
    return [one.requests, one.errors]


def _latency_json(one: LatencyFacts) -> dict[str, Any]:
    return {
        "source": one.source.value,
        "before": one.before_ms,
        "incident": one.incident_ms,
        "now": one.now_ms,
    }
