"""An incident, a rollback, and what was measured before and after it, on the database's own time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from deployments.analysis.points import TrafficPoint, TrafficSource
from deployments.metrics.storage import Point, bucket, save_points
from deployments.models import Change, ChangeVerdict, LivePeriod, MetricSource, OperationKind, Service
from deployments.verdicts import judging
from rollback_portal.audit.models import AuditEntry
from rollback_portal.jobs import clock
from tests import factories
from tests.deployments.analysis import series

USUAL, INCIDENT = 0.001, 0.08
LONG_AGO = timedelta(minutes=70)  # enough for an hour of watching and what comes late


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def save(service: Service, made: Iterable[TrafficPoint]) -> None:
    save_points(
        Point(
            service.pk,
            MetricSource(one.source.value),
            one.time,
            requests=one.requests,
            errors=one.errors,
            p95_ms=one.p95_ms,
        )
        for one in made
    )


@dataclass
class Story:
    """One change of a service whose target serves since `served`; times are minutes from then."""

    service: Service
    change: Change
    served: datetime

    @property
    def row(self) -> ChangeVerdict:
        return ChangeVerdict.objects.get(pk=self.change.pk)

    def measured(
        self,
        first: float,
        last: float,
        share: float,
        *,
        rate: float = 50.0,
        source: TrafficSource = TrafficSource.PROVIDER,
    ) -> None:
        """From so many minutes until so many, this share failed."""
        start = self.served + minutes(first)
        save(self.service, series.points(start, last - first, share, rate=rate, source=source))

    def judged(self, minute: float) -> ChangeVerdict:
        """The row after a look so many minutes after the target began to serve."""
        now = self.served + minutes(minute)
        judging.begin(now)
        judging.judge_one(self.change.pk, now)
        return self.row


def story(
    service: Service,
    *,
    before: float = USUAL,
    incident: float = INCIDENT,
    rate: float = 50.0,
    kind: str = OperationKind.ROLL_BACK,
    source: TrafficSource = TrafficSource.PROVIDER,
    served: datetime | None = None,
    **fields: Any,
) -> Story:
    """The deployment that was left served for 21 min with errors up; now the target is live."""
    served = bucket(served or clock.now() - LONG_AGO, 30)
    deployed, acted = served - minutes(21), served - minutes(1)
    left = factories.live(service, created_at=deployed - minutes(1), live_since=deployed)
    LivePeriod.objects.create(service=service, deployment=left, since=deployed)
    type(left).objects.filter(pk=left.pk).update(live_until=served)
    built = served - timedelta(days=1)
    target = factories.live(service, "Fix login rate limit", created_at=built, live_since=served)
    LivePeriod.objects.create(service=service, deployment=target, since=served - timedelta(seconds=3))
    times = {"serving": served - timedelta(seconds=3), "succeeded": served}
    operation = factories.operation(kind, **fields)
    type(operation).objects.filter(pk=operation.pk).update(requested_at=acted)
    change = factories.change(
        service,
        target,
        status="succeeded",
        operation=operation,
        status_times={name: at.isoformat() for name, at in times.items()},
        from_deployment=left,
        order_intent_at=acted,
        ended_at=served,
    )
    told = Story(service, change, served)
    told.measured(-141, -21, before, rate=rate, source=source)
    told.measured(-21, -1, incident, rate=rate, source=source)
    return told


def turns(told: Story) -> list[tuple[int, str, str]]:
    return list(told.row.history.values_list("number", "word_before", "word"))


def entries() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=judging.ACTION).order_by("id"))
