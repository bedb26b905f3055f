"""The people: one per service, each asks for the next rollback as soon as the last one has ended.

They use the verbs of the web process. What was acknowledged is kept here, outside of the database.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from uuid import uuid4

import httpx
from django.conf import settings
from django.db import DatabaseError, connection

from deployments import operations, plans, sync
from deployments.connections import provider
from deployments.models import Change, Deployment, Kind, Service
from deployments.providers.base import ProviderError
from rollback_portal.accounts.models import User
from rollback_portal.audit.record import Actor

TARGETS = 12  # each person goes round so many deployments, so that an order names its operation
BROKEN = (DatabaseError, ProviderError, httpx.HTTPError)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An operation that somebody was told is under way."""

    operation: str
    clicked_at: float
    answered_at: float


@dataclass
class People:
    """Starts, stops and counts them."""

    user: User
    seed: int
    clicks: int  # how many click at once; only one may win
    pause: float  # seconds between two operations of one person
    afterwards: Callable[[int], None] = lambda pk: None
    acknowledged: list[Acknowledged] = field(default_factory=list)
    turned_away: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        self.stopped = threading.Event()
        self.threads: list[threading.Thread] = []
        self.lock = threading.Lock()

    def start(self, services: list[int]) -> None:
        for number, pk in enumerate(services):
            random = Random(self.seed * 1000 + number)
            thread = threading.Thread(target=self._live, args=(pk, random), daemon=True)
            self.threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """No more clicks; those under way are finished."""
        self.stopped.set()
        for thread in self.threads:
            thread.join(20)

    def _live(self, pk: int, random: Random) -> None:
        number = random.randrange(TARGETS)
        while not self.stopped.is_set():
            try:
                number = self._once(pk, number, random)
            except BROKEN:
                self.refused += 1
            finally:
                connection.close()
            self.stopped.wait(self.pause * random.uniform(0.5, 1.5))

    def _once(self, pk: int, number: int, random: Random) -> int:
        """Wait until nothing is under way, look again, click; the number of the next target."""
        while Change.objects.active().filter(service=pk).exists():
            if self.stopped.wait(0.25):
                return number
        service = Service.objects.select_related("live").get(pk=pk)
        sync.read_service(service, provider(service.provider))
        service = Service.objects.select_related("live").get(pk=pk)
        step, target = _target(service, number)
        if target is not None:
            together = self.clicks if self.clicks > 1 else 2 if random.random() < 0.1 else 1
            self._click_together(service, target, together)
        return number + step + 1

    def _click_together(self, service: Service, target: Deployment, together: int) -> None:
        gate = threading.Barrier(together)
        others = [
            threading.Thread(target=self._click, args=(service, target, gate)) for _ in range(together - 1)
        ]
        for other in others:
            other.start()
        self._click(service, target, gate)
        for other in others:
            other.join()

    def _click(self, service: Service, target: Deployment, gate: threading.Barrier) -> None:
        try:
            plan = plans.draw(Kind.ROLL_BACK, service, target, None, operations.standing_pin(service))
            gate.wait(5)
            clicked = time.time()
            operation = operations.request(
                Actor.of(self.user), plan, key=uuid4(), reason="errors", words="chaos", incident=""
            )
        except (operations.UnderWay, operations.NotPossible):
            self.turned_away += 1
        except (*BROKEN, threading.BrokenBarrierError):
            self.refused += 1
        else:
            with self.lock:
                self.acknowledged.append(Acknowledged(str(operation.pk), clicked, time.time()))
            self.afterwards(operation.change.pk)
        finally:
            connection.close()


def _target(service: Service, number: int) -> tuple[int, Deployment | None]:
    """The next one of its first dozen that can be rolled back to, and how many steps away it was."""
    pin = operations.standing_pin(service)
    rows = service.deployments.filter(production=True, trigger__in=("new_commit", "git", ""))
    able = [row for row in rows.order_by("created_at")[:30] if row.ready_at is not None][:TARGETS]
    for step in range(len(able)):
        row = able[(number + step) % len(able)]
        if not plans.draw(Kind.ROLL_BACK, service, row, None, pin).why_not:
            return step, row
    return 0, None


def meet(user_name: str, services: int) -> tuple[User, list[int]]:
    """A responder, and the services that the portal finds at both providers, read once."""
    from django.contrib.auth.models import Group

    user = User.objects.create_user(user_name, first_name="Ana", last_name="Ruiz")
    user.groups.add(Group.objects.get(name="responder"))
    for name in settings.PROVIDERS:
        sync.read_services(name, provider(name))
    every = list(Service.objects.order_by("provider", "pk"))
    render = [row for row in every if row.provider == Service.Provider.RENDER]
    chosen = render[: services * 3 // 4]
    chosen += [row for row in every if row.provider == Service.Provider.VERCEL][: services - len(chosen)]
    for row in chosen:
        _read_until_known(row)
    return user, [row.pk for row in chosen]


def _read_until_known(service: Service) -> None:
    for _ in range(20):
        sync.read_service(service, provider(service.provider))
        if Service.objects.get(pk=service.pk).read_at is not None:
            return
        time.sleep(0.5)
    raise RuntimeError(f"{service} could not be read.")
