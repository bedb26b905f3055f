"""Collects the facts for the judge: the rows, the audit log, the provider's list, and samples on the way."""

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

EVERY = 0.3  # seconds between two samples


def rows() -> list[Row]:
    found = Change.objects.select_related("operation", "service", "to_deployment").order_by("pk")
    return [_row(change) for change in found]


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
    found: dict[str, list[str]] = defaultdict(list)
    for operation, action in AuditEntry.objects.order_by("pk").values_list("operation", "action"):
        found[str(operation)].append(action)
    return dict(found)


def orders(address: str, skew: float = 0.0) -> list[Order]:
    """What the provider received, by our clock; `skew` is how far ahead its own is, in seconds."""
    answer = httpx.get(f"{address}/_sandbox/applied", timeout=20, trust_env=False)
    return [
        Order(
            at=datetime.fromisoformat(each["at"]).timestamp() - skew,
            service=each["service"],
            target=each["deployment"],
            applied=each["applied"],
        )
        for each in answer.json()
    ]


class Samples:
    """Looks three times a second how many changes are active on each service, and which are under way."""

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
        self.crowded += [f"{each['many']} active changes on {each['service__name']}" for each in counted]
