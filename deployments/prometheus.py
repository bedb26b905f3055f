"""The metrics for Prometheus, read from the database at each scrape, so that any process can serve them.

Nothing is counted in memory. Ages are in seconds; an unknown age is NaN, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.conf import settings
from django.db.models import Count, F, Min
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from deployments.models import ACTIVE, Change, OperationKind, ProviderStatus
from deployments.models.operation import FAILING, SERVES_AND_FAILS
from rollback_portal.jobs import broker
from rollback_portal.jobs.process.heartbeats import process_status

UNKNOWN = float("nan")
FINAL = ("succeeded", SERVES_AND_FAILS, "failed", "canceled")


def exposition() -> tuple[bytes, str]:
    """The current metrics in Prometheus' text format, and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(DatabaseCollector())
    return generate_latest(registry), CONTENT_TYPE_LATEST


class DatabaseCollector(Collector):
    """Reads the rows anew at every scrape."""

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering does not query the database."""
        return ()

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        yield from _operations(now)
        yield from _providers(now)
        yield from _processes(now)
        yield GaugeMetricFamily(
            "portal_queue_answers",
            "Whether Redis answers; operations run without it.",
            float(broker.answers()),
        )


def _operations(now: datetime) -> Iterator[Metric]:
    rows = Change.objects.order_by().values_list("operation__kind", "status").annotate(number=Count("pk"))
    numbers = {(kind, status): number for kind, status, number in rows}
    failing = rows.filter(status="succeeded", evidence__has_key=FAILING)
    for kind, _, number in failing:
        numbers[kind, SERVES_AND_FAILS] = number
        numbers[kind, "succeeded"] -= number
    ended = CounterMetricFamily(
        "portal_operations", "Operations that ended, by kind and outcome.", labels=["kind", "outcome"]
    )
    running = GaugeMetricFamily(
        "portal_operations_active", "Operations under way.", labels=["kind", "status"]
    )
    waiting = GaugeMetricFamily(
        "portal_operations_need_attention", "Operations waiting for a person.", labels=["kind"]
    )
    for kind in OperationKind.values:
        for outcome in FINAL:
            ended.add_metric([kind, outcome], numbers.get((kind, outcome), 0))
        for status in ACTIVE:
            running.add_metric([kind, status], numbers.get((kind, status), 0))
        waiting.add_metric([kind], numbers.get((kind, "needs_attention"), 0))
    yield from (ended, running, waiting)
    oldest = Change.objects.active().aggregate(at=Min(F("operation__requested_at")))["at"]
    yield GaugeMetricFamily(
        "portal_oldest_active_operation_age_seconds",
        "Time since the oldest operation under way was requested; 0 if there is none.",
        (now - oldest).total_seconds() if oldest else 0.0,
    )


def _providers(now: datetime) -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "portal_reading_age_seconds",
        "Time since the provider was last read in full; NaN if never.",
        labels=["provider"],
    )
    circuit = GaugeMetricFamily(
        "portal_circuit_open", "Whether reads of the provider are paused.", labels=["provider"]
    )
    results = CounterMetricFamily(
        "portal_provider_results",
        "Calls to the provider by outcome: complete reads that succeeded, and every failure.",
        labels=["provider", "outcome"],
    )
    statuses = {status.provider: status for status in ProviderStatus.objects.all()}
    for name in settings.PROVIDERS:
        status = statuses.get(name) or ProviderStatus(provider=name)
        age.add_metric([name], _age(now, status.synced_at))
        circuit.add_metric([name], float(status.opened_at is not None))
        for outcome, number in sorted(status.results.items()):
            results.add_metric([name, outcome], number)
    yield from (age, circuit, results)


def _processes(now: datetime) -> Iterator[Metric]:
    alive = GaugeMetricFamily(
        "portal_processes_alive", "Processes that sent a heartbeat in the last 40 s.", labels=["role"]
    )
    heartbeat_age = GaugeMetricFamily(
        "portal_heartbeat_age_seconds",
        "Time since the last heartbeat of any process of the role; NaN if never.",
        labels=["role"],
    )
    for role in process_status().roles:
        alive.add_metric([role.name], role.alive)
        heartbeat_age.add_metric([role.name], _age(now, role.last_heard_at))
    yield from (alive, heartbeat_age)


def _age(now: datetime, at: datetime | None) -> float:
    return (now - at).total_seconds() if at is not None else UNKNOWN
