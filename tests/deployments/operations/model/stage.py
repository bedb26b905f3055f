"""What each life plays on: the same company, the same rows in PostgreSQL, the same moment.

The company is made and read once; each life begins by going back to that. Redis is away all the time: the
queue is only a doorbell, and a worker here comes whenever the model sends one. The provider's budget goes
uncounted then, and "too many" is the sandbox's word.
"""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.db import connection, transaction
from django.utils import timezone

from deployments.clients import provider, using_transport
from deployments.models import Change, Deployment, Operation, Service
from deployments.operations import requests
from deployments.operations import worker as change_worker
from deployments.operations.plan import Plan
from deployments.operations.steps import send_order
from deployments.providers import http, version_check
from deployments.sandbox.clock import Pace
from deployments.sandbox.company.companies import small_company
from deployments.sandbox.rows import ApiRefusal
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.transport import SandboxTransport
from deployments.sandbox.world import World
from deployments.sync import poll
from rollback_portal.audit.record import Actor
from rollback_portal.jobs.process import liveness, shutdown
from tests import factories
from tests.deployments.conftest import Portal
from tests.deployments.operations.model.clock import Clock
from tests.deployments.operations.model.worker import Worker, open_until_gone

GIVES_UP_AFTER = 15.0  # seconds: the client's own read time-out
FIRST_BYTE = "http11.send_request_headers.started"  # what the real pool says at that moment


@dataclass(frozen=True, slots=True)
class Order:
    """A traffic-changing POST that the provider carried out, and whose it was."""

    change: int
    deployment: str
    at: float
    made: str  # the new deployment's id at Render, the target's at Vercel


class Stage:
    """The world, the wire to it and the clock; `begin` puts all of it back."""

    def __init__(self, settings: Any) -> None:
        self.clock = Clock()
        self.at_work: Worker | None = None
        self.seen: Counter[str] = Counter()
        self.lives = 0
        self.events = 0
        self.statements = 0
        self.wire = Wire(self, Sandbox(small_company(clock=self.clock, pace=Pace.fast())))
        self.portal = Portal(self.wire.sandbox, factories.person(), settings)
        self.depth = len(connection.savepoint_ids)

    def open(self) -> None:
        """Read the company for the first time, and keep what there is then."""
        for name in ("render", "vercel"):
            poll.read_services(name, provider(name))
            poll.read_provider(name, provider(name))
        self.keep()

    def keep(self) -> None:
        """From now on, every life begins with what there is now."""
        self.plans = {service.name: self.draw(service.name) for service in Service.objects.followed()}
        self.world = json.dumps(self.wire.sandbox.world.to_json())
        self.moment = self.clock.passed
        self.savepoint = transaction.savepoint()

    def begin(self) -> None:
        """Begin a life on clean rows, also where the one before broke off in the middle of a statement.

        It does where the run is ended from outside: Hypothesis plays a life again after a SystemExit, and
        then "current transaction is aborted" would hide what happened.
        """
        transaction.set_rollback(False)
        transaction.savepoint_rollback(self.savepoint)
        self.lives += 1
        self.clock.passed = self.moment
        world = World.from_json(json.loads(self.world), clock=self.clock, pace=Pace.fast())
        self.wire.begin(Sandbox(world))
        self.portal.sandbox = self.wire.sandbox
        self.at_work = None
        self.moved_by_others: list[float] = []
        self.arrived_after: list[str] = []

    def count(self, what: str) -> None:
        self.seen[what] += 1

    def statement(self, execute: Callable[..., Any], *rest: Any) -> Any:
        self.statements += 1
        if self.at_work is not None:
            self.at_work.say()
        return execute(*rest)

    # --- time ---

    def asked_to_stop(self, within: float = 0.0) -> bool:
        """Stands in for `shutdown.requested`, which is also how a worker waits."""
        if self.at_work is not None:
            return self.at_work.asked_to_stop(within)
        self.advance(within)
        return False

    def advance(self, seconds: float) -> None:
        """Let time pass; an order that is still on its way arrives in between."""
        until = self.clock.passed + max(seconds, 0.0)
        while self.wire.late and self.wire.late[0][0] <= until:
            at, request, change = self.wire.late.pop(0)
            self.clock.passed = max(at, self.clock.passed)
            with suppress(httpx.HTTPError):  # nobody waits for its answer any more
                self.wire.deliver(request, change)
            self.count("a late order arrives")
        self.clock.passed = max(until, self.clock.passed)

    # --- what people see and do ---

    def draw(self, name: str) -> Plan:
        """What the dialog shows for the deployment that served before."""
        service = Service.objects.select_related("live").get(name=name)
        return self.portal.plan(service, self.portal.candidate(service))

    def confirm(self, plan: Plan, key: UUID) -> Change:
        """Send the dialog's form. PostgreSQL dates the row by its own clock; here there is only ours."""
        ana = Actor.of(self.portal.ana)
        operation = requests.request_operation(
            ana, plan, idempotency_key=key, reason="errors", reason_detail="500s", incident="INC-413"
        )
        Operation.objects.filter(pk=operation.pk).update(requested_at=self.clock())
        return operation.change

    def move_behind_our_back(self, name: str) -> None:
        """Somebody rolls back in the provider's own dashboard, to something nobody here has asked for."""
        rows = Deployment.objects.filter(service__name=name, served=True, production=True)
        rows = rows.exclude(commit_sha="").filter(live_since=None)
        target = rows.order_by("-created_at")[3].provider_id
        with suppress(ApiRefusal):  # not while another move is under way, says Vercel
            self.wire.sandbox.world.somebody_rolls_back(name, target)
            self.moved_by_others.append(self.clock.passed)
            self.count("rolled back in the dashboard")

    def push(self, name: str) -> None:
        if self.wire.sandbox.world.somebody_pushes(name) is not None:
            self.moved_by_others.append(self.clock.passed)
            self.count("pushed")

    def took_effect(self, order: Order) -> bool:
        """Whether users got to see what the order put in front of them."""
        world = self.wire.sandbox.world
        world.settle()
        owner = world.services[world.deployments[order.made].service_id]
        later = [other.at for other in self.wire.orders if other.made == order.made and other.at > order.at]
        until = min(later, default=math.inf)  # from then on, it is that order's doing
        return any(made == order.made and order.at <= at < until for at, made in owner.live_history)


@contextmanager
def set_up(settings: Any) -> Iterator[Stage]:
    """A stage whose clock, wire and statements are the portal's own for a while."""
    settings.REDIS_URL = ""
    stage = Stage(settings)
    logging.disable(logging.WARNING)  # thousands of lines about what the model does to the workers
    with pytest.MonkeyPatch.context() as patch, using_transport(stage.wire):
        patch.setattr(timezone, "now", stage.clock)
        patch.setattr(shutdown, "requested", stage.asked_to_stop)
        patch.setattr(liveness, "open_direct", open_until_gone)
        for module in (change_worker, send_order, http, version_check):
            patch.setattr(module, "time", stage.clock)
        with connection.execute_wrapper(stage.statement):
            stage.open()
            connection.inc_thread_sharing()
            try:
                yield stage
            finally:
                connection.dec_thread_sharing()
                logging.disable(logging.NOTSET)


class Wire(httpx.BaseTransport):
    """The network between the portal and the sandbox, where workers stop and orders get lost or late."""

    def __init__(self, stage: Stage, sandbox: Sandbox) -> None:
        self.stage = stage
        self.begin(sandbox)

    def begin(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.beyond = SandboxTransport(sandbox)
        self.orders: list[Order] = []
        self.late: list[tuple[float, httpx.Request, int]] = []
        self.next_is_late: float | None = None
        self.overtaken: list[int] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        worker = self.stage.at_work
        if worker is None:
            return self.beyond.handle_request(request)
        worker.reach("request")
        if request.method != "POST" or "/rollback" not in request.url.path:
            return self.beyond.handle_request(request)
        worker.reach("order")
        request.extensions.get("trace", lambda *_: None)(FIRST_BYTE, {})
        worker.reach("bytes")
        try:
            return self._order(request, worker.pk)
        finally:
            worker.reach("answer")

    def _order(self, request: httpx.Request, change: int) -> httpx.Response:
        self.overtaken += [change for _, _, other in self.late if other == change]
        if self.next_is_late is None:
            return self.deliver(request, change)
        self.late.append((self.stage.clock.passed + self.next_is_late, request, change))
        self.next_is_late = None
        self.stage.advance(GIVES_UP_AFTER)
        raise httpx.ReadTimeout("The read operation timed out", request=request)

    def deliver(self, request: httpx.Request, change: int) -> httpx.Response:
        world, before = self.sandbox.world, len(self.sandbox.world.received)
        at = world.now()
        try:
            return self.beyond.handle_request(request)
        finally:
            for entry in world.received[before:]:
                if entry.applied:
                    self._carried_out(entry.service, entry.deployment, change, at)

    def _carried_out(self, service: str, deployment: str, change: int, at: float) -> None:
        world = self.sandbox.world
        made = world.history[service][-1].id if world.services[service].provider == "render" else deployment
        self.orders.append(Order(change, deployment, at, made))
        row = Change.objects.get(pk=change)
        if row.ended:
            self.stage.moved_by_others.append(self.stage.clock.passed)
            self.stage.arrived_after.append(row.status)
            self.stage.count("an order arrives after its operation has ended")
