"""Who is alive: workers and dispatchers write a heartbeat, pages read it.

The queue has one, too: a dispatcher writes it whenever Redis has answered, so that no page asks Redis.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q
from django.utils import timezone

from deployments.models import Heartbeat

GONE_AFTER = timedelta(seconds=40)
FORGOTTEN_AFTER = timedelta(hours=1)
QUEUE = "queue"


def beat(role: str) -> None:
    """Say that this process is alive."""
    now = timezone.now()
    Heartbeat.objects.update_or_create(
        process=f"{socket.gethostname()[:80]}:{os.getpid()}", defaults={"role": role, "beat_at": now}
    )
    Heartbeat.objects.filter(beat_at__lt=now - FORGOTTEN_AFTER).exclude(role=QUEUE).delete()


def queue_answered() -> None:
    """Write down that Redis has answered just now. How long it has not must not be forgotten."""
    Heartbeat.objects.update_or_create(process=QUEUE, defaults={"role": QUEUE, "beat_at": timezone.now()})


def alive(role: str, now: datetime) -> int:
    """How many processes of this role were heard lately enough to be taken for alive."""
    return Heartbeat.objects.filter(role=role, beat_at__gte=now - GONE_AFTER).count()


@dataclass(frozen=True, slots=True)
class Role:
    """The processes of one role: how many are alive, and when any was heard last (None: never)."""

    name: str
    alive: int
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class Crew:
    """Who works on operations. What nobody was heard of is not taken for alive."""

    workers: Role
    dispatchers: Role
    queue: Role

    @property
    def roles(self) -> tuple[Role, Role]:
        return (self.workers, self.dispatchers)

    @property
    def acts(self) -> bool:
        """Whether a new operation is worked on at all: the dispatcher rings, or does the work itself."""
        return self.dispatchers.alive > 0

    @property
    def complete(self) -> bool:
        return all(role.alive for role in self.roles)

    @property
    def queue_is_silent(self) -> bool:
        """Whether dispatchers, who ask Redis every 15 s, had no answer lately. Without them nobody knows."""
        return self.acts and self.queue.heard_at is not None and not self.queue.alive


def acts() -> bool:
    """Whether a new operation is worked on at all."""
    return crew().acts


def crew() -> Crew:
    """Everybody who works on operations, in one query."""
    since = timezone.now() - GONE_AFTER
    rows = Heartbeat.objects.values("role").annotate(
        alive=Count("pk", filter=Q(beat_at__gte=since)), heard_at=Max("beat_at")
    )
    found = {row["role"]: Role(row["role"], row["alive"], row["heard_at"]) for row in rows}
    return Crew(*(found.get(name) or Role(name, 0, None) for name in ("worker", "dispatcher", QUEUE)))
