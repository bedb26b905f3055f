"""Points without noise, for sentences whose numbers one can compute by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from deployments.analysis.points import TrafficPoint, TrafficSource
from deployments.analysis.verdict import HelpVerdict, Yardstick, judge, yardstick

SERVED = datetime(2026, 11, 29, 6, 33, tzinfo=UTC)
DEPLOYED = SERVED - timedelta(minutes=20)
SECONDS = {TrafficSource.PROVIDER: 30.0, TrafficSource.PROBE: 15.0}


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def points(
    start: datetime,
    length: float,
    share: float = 0.001,
    *,
    rate: float = 50.0,
    p95: float | None = 200.0,
    source: TrafficSource = TrafficSource.PROVIDER,
) -> list[TrafficPoint]:
    """So many minutes from `start` on, errors spread as evenly as can be. Probes ask one address."""
    seconds = SECONDS[source]
    each = 1 if source == TrafficSource.PROBE else round(rate * seconds)
    made, failed = [], 0
    for number in range(round(length * 60 / seconds)):
        errors = round((number + 1) * each * share) - failed
        failed += errors
        time = start + timedelta(seconds=number * seconds)
        made.append(TrafficPoint(time, seconds, each, errors, p95, source))
    return made


def before(share: float = 0.001, **more: object) -> list[TrafficPoint]:
    """The two hours before the deployment that was left."""
    return points(DEPLOYED - minutes(120), 120, share, **more)  # type: ignore[arg-type]


def incident(share: float = 0.08, **more: object) -> list[TrafficPoint]:
    """The twenty minutes in which that deployment served."""
    return points(DEPLOYED, 20, share, **more)  # type: ignore[arg-type]


def after(length: float, share: float = 0.001, **more: object) -> list[TrafficPoint]:
    """So many minutes since the target serves."""
    return points(SERVED, length, share, **more)  # type: ignore[arg-type]


def by(past: list[TrafficPoint], wrong: list[TrafficPoint]) -> Yardstick:
    return yardstick(past, wrong, served_at=SERVED)


def judged(measured_by: Yardstick, since: list[TrafficPoint], at: float | None = None) -> HelpVerdict:
    """The verdict so many minutes after the target began to serve; without a time, when the points end."""
    now = max((point.end for point in since), default=SERVED) if at is None else SERVED + minutes(at)
    return judge(measured_by, since, now=now)
