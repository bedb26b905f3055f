"""The load: one person per service, who requests the next rollback as soon as the last one has ended.

Each person has their own session at the web server. Acknowledged operations are kept here, outside the
database. The next deployment and the end of the last operation are read from the rows; the provider syncs
that keep the rows fresh run here as well.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import httpx
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from deployments.clients import provider
from deployments.models import Change, Deployment, OperationKind, Service
from deployments.operations.plan import make_plan
from deployments.providers.base import ProviderError
from deployments.sync import poll
from rollback_portal.accounts.models import User
from rollback_portal.processes.supervised import CannotRun
from tests.chaos.visitor import NoAnswer, Visitor

TARGETS = 12  # each person cycles through this many deployments, so that an order identifies its operation
TOO_LONG = timedelta(seconds=60)  # people cancel if they have to wait longer
PASSWORD = "for chaos runs only"
BROKEN = (DatabaseError, ProviderError, httpx.HTTPError, NoAnswer, CannotRun)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An operation whose start was confirmed to a person."""

    operation: str
    clicked_at: float  # time of the first press of the button
    answered_at: float


@dataclass
class People:
    """Starts and stops the people, and counts their results."""

    user: User
    address: str  # of the web server
    seed: int
    clicks: int  # simultaneous clicks, each in its own dialog; only one may succeed
    pause: float  # seconds between two operations of one person
    after_click: Callable[[int], None] = lambda pk: None
    acknowledged: list[Acknowledged] = field(default_factory=list)
    turned_away: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        self.stopped = threading.Event()
        self.threads: list[threading.Thread] = []
        self.lock = threading.Lock()
        self.known: set[str] = set()
        self.visitors: list[Visitor] = []

    def start(self, services: list[int]) -> None:
        """Sign everybody in, then start clicking."""
        self.visitors = [Visitor(self.address, self.user.username, PASSWORD) for _ in services]
        for number, (pk, visitor) in enumerate(zip(services, self.visitors, strict=True)):
            random = Random(self.seed * 1000 + number)
            thread = threading.Thread(target=self._click_repeatedly, args=(pk, visitor, random), daemon=True)
            self.threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Start no more clicks, and finish those in progress."""
        self.stopped.set()
        for thread in self.threads:
            thread.join(20)

    def cancel_long_waits(self) -> None:
        """Cancel long waits after the end of the load, too."""
        for running in Change.objects.active():
            with suppress(NoAnswer):
                self._cancel_long_wait(running, self.visitors[0])

    def _click_repeatedly(self, pk: int, visitor: Visitor, random: Random) -> None:
        number = random.randrange(TARGETS)
        while not self.stopped.is_set():
            try:
                number = self._once(pk, visitor, number, random)
            except BROKEN:
                self.refused += 1
            finally:
                connection.close()
            self.stopped.wait(self.pause * random.uniform(0.5, 1.5))

    def _once(self, pk: int, visitor: Visitor, number: int, random: Random) -> int:
        """Wait for the active change, sync, click; return the number of the next target."""
        while (running := Change.objects.active().filter(service=pk).first()) is not None:
            self._cancel_long_wait(running, visitor)
            if self.stopped.wait(0.25):
                return number
        service = Service.objects.select_related("live").get(pk=pk)
        poll.read_service(service, provider(service.provider))
        service = Service.objects.select_related("live").get(pk=pk)
        step, target = _target(service, number)
        if target is not None:
            confirm = f"/services/{service.slug}/deployments/{target.provider_id}/roll-back/"
            self._click(visitor, confirm, twice=random.random() < 0.1)
        return number + step + 1

    def _cancel_long_wait(self, running: Change, visitor: Visitor) -> None:
        """Cancel a change that has to wait for minutes, if it can still be canceled."""
        later = running.not_before is not None and running.not_before - timezone.now() > TOO_LONG
        if later and running.cancel_requested_at is None and running.status in ("queued", "pinning"):
            visitor.cancel(str(running.operation_id))

    def _click(self, visitor: Visitor, confirm: str, *, twice: bool) -> None:
        """Press once, or twice at once with the same form, or several times at once with different forms."""
        if self.clicks > 1:
            forms = [visitor.open(confirm) for _ in range(self.clicks)]
        else:
            forms = [visitor.open(confirm)] * (2 if twice else 1)
        gate = threading.Barrier(len(forms))
        others = [
            threading.Thread(target=self._press, args=(visitor, confirm, form, gate)) for form in forms[1:]
        ]
        for other in others:
            other.start()
        self._press(visitor, confirm, forms[0], gate)
        for other in others:
            other.join()

    def _press(self, visitor: Visitor, confirm: str, form: dict[str, str], gate: threading.Barrier) -> None:
        try:
            gate.wait(5)
            clicked = time.time()
            operation = visitor.press(confirm, form, self.stopped)
        except (*BROKEN, threading.BrokenBarrierError):
            self.refused += 1
        else:
            self._record_answer(Acknowledged(operation, clicked, time.time()))
        finally:
            connection.close()

    def _record_answer(self, answer: Acknowledged) -> None:
        with self.lock:
            if answer.operation in self.known or not answer.operation:
                self.turned_away += 1
                return
            self.known.add(answer.operation)
            self.acknowledged.append(answer)
        with suppress(DatabaseError):
            self.after_click(Change.objects.only("pk").get(operation__pk=answer.operation).pk)


def _target(service: Service, number: int) -> tuple[int, Deployment | None]:
    """Return the next eligible one of the first dozen deployments, and how many were skipped."""
    pin = service.standing_pin
    rows = service.deployments.filter(production=True, trigger__in=("new_commit", "git", ""))
    able = [row for row in rows.order_by("created_at")[:30] if row.ready_at is not None][:TARGETS]
    for step in range(len(able)):
        row = able[(number + step) % len(able)]
        if not make_plan(OperationKind.ROLL_BACK, service, row, None, pin).ineligible_reason:
            return step, row
    return 0, None


def prepare_people(user_name: str, services: int) -> tuple[User, list[int]]:
    """Create a responder and sync the services of both providers once; return both."""
    from django.contrib.auth.models import Group

    user = User.objects.create_user(user_name, first_name="Ana", last_name="Ruiz", password=PASSWORD)
    user.groups.add(Group.objects.get(name="responder"))
    for name in settings.PROVIDERS:
        poll.read_services(name, provider(name))
    every = list(Service.objects.order_by("provider", "pk"))
    render = [row for row in every if row.provider == Service.ProviderChoice.RENDER]
    chosen = render[: services * 3 // 4]
    chosen += [row for row in every if row.provider == Service.ProviderChoice.VERCEL][
        : services - len(chosen)
    ]
    for row in chosen:
        _read_until_known(row)
    return user, [row.pk for row in chosen]


def _read_until_known(service: Service) -> None:
    for _ in range(20):
        poll.read_service(service, provider(service.provider))
        if Service.objects.get(pk=service.pk).synced_at is not None:
            return
        time.sleep(0.5)
    raise RuntimeError(f"{service} could not be read.")
