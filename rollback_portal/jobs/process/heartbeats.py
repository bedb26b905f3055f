"""Which processes are alive: workers and dispatchers record heartbeats, pages read them.

The broker has a heartbeat too: dispatchers record it whenever Redis answers, so that no page asks Redis.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q

from rollback_portal.jobs import clock
from rollback_portal.jobs.models import Heartbeat

GONE_AFTER = timedelta(seconds=40)
FORGOTTEN_AFTER = timedelta(hours=1)
BROKER = "queue"


@dataclass(frozen=True, slots=True)
class RoleStatus:
    """How many processes of a role are alive, and when one last sent a heartbeat (None: never)."""

    name: str
    alive: int
    last_heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """Whether jobs are executed. A process without any heartbeat does not count as alive."""

    workers: RoleStatus
    dispatchers: RoleStatus
    broker: RoleStatus

    @property
    def roles(self) -> tuple[RoleStatus, RoleStatus]:
        return (self.workers, self.dispatchers)

    @property
    def can_execute(self) -> bool:
        """Whether a new job is executed at all: a dispatcher publishes it, or executes it itself."""
        return self.dispatchers.alive > 0

    @property
    def complete(self) -> bool:
        return all(role.alive for role in self.roles)

    @property
    def broker_is_away(self) -> bool:
        """Whether Redis has not answered the dispatchers, which ask every 15 s, for 40 s.

        False while no dispatcher is alive: then nobody knows.
        """
        broker = self.broker
        return self.can_execute and broker.last_heard_at is not None and not broker.alive


def record_heartbeat(role: str) -> None:
    """Record that this process is alive, and delete heartbeats older than an hour."""
    now = clock.within_statement()
    Heartbeat.objects.update_or_create(
        process=f"{socket.gethostname()[:80]}:{os.getpid()}", defaults={"role": role, "beat_at": now}
    )
    Heartbeat.objects.filter(beat_at__lt=now - FORGOTTEN_AFTER).exclude(role=BROKER).delete()


def record_broker_answer() -> None:
    """Record that Redis has just answered. This heartbeat is never deleted."""
    Heartbeat.objects.update_or_create(
        process=BROKER, defaults={"role": BROKER, "beat_at": clock.within_statement()}
    )


def process_status() -> ProcessStatus:
    """The status of all roles, in one query."""
    since = clock.within_statement() - GONE_AFTER
    rows = Heartbeat.objects.values("role").annotate(
        alive=Count("pk", filter=Q(beat_at__gte=since)), last_heard_at=Max("beat_at")
    )
    known = {row["role"]: RoleStatus(row["role"], row["alive"], row["last_heard_at"]) for row in rows}
    roles = ("worker", "dispatcher", BROKER)
    return ProcessStatus(*(known.get(role) or RoleStatus(role, 0, None) for role in roles))


def can_execute() -> bool:
    """Whether a new job is executed at all."""
    return process_status().can_execute
