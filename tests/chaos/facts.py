"""Collects the input of the judge: rows, audit log, the provider's orders, and samples during the run."""

from __future__ import annotations

import threading
from collections import defaultdict
from datetime import datetime

import httpx
from django.db import DatabaseError, connection
from django.db.models import Count

from deployments.models import Change
from rollback_portal.audit.models import AuditEntry
from tests.chaos.oracle import Order, Row
from tests.chaos.runs import READ_BACK

EVERY = 0.3  # seconds between two samples


def rows() -> list[Row]:
    changes = Change.objects.select_related("operation", "service", "to_deployment").order_by("pk")
    return [_row(change) for change in changes]


def _row(change: Change) -> Row:
    target = change.to_deployment
    return Row(
        operation=str(change.operation_id),
        service=change.service.provider_id,
        target=target.provider_id if target else "",
        status=change.status,
        asked_for_at=change.operation.requested_at.timestamp(),
        ended_at=change.ended_at.timestamp() if change.ended_at else None,
        read_back="unclear" in change.status_times,
        message=change.message,
    )


def audit() -> dict[str, list[str]]:
    actions: dict[str, list[str]] = defaultdict(list)
    for operation, action in AuditEntry.objects.order_by("pk").values_list("operation", "action"):
        actions[str(operation)].append(action)
    return dict(actions)


def read_back() -> dict[str, int]:
    """Return how many operations had to be read back; none while the database is away."""
    try:
        found = Change.objects.filter(status_times__has_key="unclear").count()
    except DatabaseError:
        connection.close()
        return {}
    return {READ_BACK: found} if found else {}


def orders(address: str, skew: float = 0.0) -> list[Order]:
    """Return the orders the provider received; `skew` is how far its clock is ahead of ours, in seconds."""
    answer = httpx.get(f"{address}/_sandbox/applied", timeout=20, trust_env=False)
    return [
        Order(
            at=datetime.fromisoformat(entry["at"]).timestamp() - skew,
            service=entry["service"],
            target=entry["deployment"],
            applied=entry["applied"],
        )
        for entry in answer.json()
    ]


class Samples:
    """Samples three times a second which changes are active, and whether a service has more than one."""

    def __init__(self) -> None:
        self.crowded: list[str] = []
        self.active: set[str] = set()
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.stopped.set()
        self.thread.join(10)

    def _look(self) -> None:
        while not self.stopped.wait(EVERY):
            try:
                self._sample()
            except DatabaseError:
                pass
            finally:
                connection.close()

    def _sample(self) -> None:
        active = Change.objects.active()
        self.active = {str(pk) for pk in active.values_list("operation_id", flat=True)}
        counted = active.values("service__name").annotate(many=Count("pk")).filter(many__gt=1)
        self.crowded += [f"{row['many']} active changes on {row['service__name']}" for row in counted]
