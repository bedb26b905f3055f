"""Which processes are alive: workers and dispatchers write a heartbeat, pages read it.

The broker has one, too: a dispatcher writes it whenever Redis has answered, so that no page asks Redis.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q
from django.utils import timezone

from rollback_portal.jobs.models import Heartbeat

GONE_AFTER = timedelta(seconds=40)
FORGOTTEN_AFTER = timedelta(hours=1)
BROKER = "queue"


@dataclass(frozen=True, slots=True)
class RoleStatus:
    """The processes of one role: how many are alive, and when one was heard last (None: never)."""

    name: str
    alive: int
    last_heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """Which processes execute jobs. A process that was never heard is not taken for alive."""

    workers: RoleStatus
    dispatchers: RoleStatus
    broker: RoleStatus

    @property
    def roles(self) -> tuple[RoleStatus, RoleStatus]:
        return (self.workers, self.dispatchers)

    @property
    def can_execute(self) -> bool:
        """Whether a new job is worked on at all: the dispatcher publishes it, or executes it itself."""
        return self.dispatchers.alive > 0

    @property
    def complete(self) -> bool:
        return all(role.alive for role in self.roles)

    @property
    def broker_is_away(self) -> bool:
        """Whether dispatchers, who ask Redis every 15 s, had no answer lately. Without them nobody knows."""
        broker = self.broker
        return self.can_execute and broker.last_heard_at is not None and not broker.alive


def record_heartbeat(role: str) -> None:
    """Say that this process is alive."""
    now = timezone.now()
    Heartbeat.objects.update_or_create(
        process=f"{socket.gethostname()[:80]}:{os.getpid()}", defaults={"role": role, "beat_at": now}
    )
    Heartbeat.objects.filter(beat_at__lt=now - FORGOTTEN_AFTER).exclude(role=BROKER).delete()


def record_broker_answer() -> None:
    """Write down that Redis has answered just now. This row is kept however old it gets."""
    Heartbeat.objects.update_or_create(process=BROKER, defaults={"role": BROKER, "beat_at": timezone.now()})


def process_status() -> ProcessStatus:
    """The status of all roles, in one query."""
    since = timezone.now() - GONE_AFTER
    rows = Heartbeat.objects.values("role").annotate(
        alive=Count("pk", filter=Q(beat_at__gte=since)), last_heard_at=Max("beat_at")
    )
    known = {row["role"]: RoleStatus(row["role"], row["alive"], row["last_heard_at"]) for row in rows}
    roles = ("worker", "dispatcher", BROKER)
    return ProcessStatus(*(known.get(role) or RoleStatus(role, 0, None) for role in roles))


def can_execute() -> bool:
    """Whether a new job is worked on at all."""
    return process_status().can_execute
