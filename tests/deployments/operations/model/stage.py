"""The set-up of each life of the model: the same company, rows in PostgreSQL and time.

The company is made and synced once, and each life starts from that savepoint. There is no Redis: a message
only wakes a worker, and here the model does that. The portal counts no rate limit then; 429 is a fault.
"""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.db import connection, transaction
from django.db.models import DateTimeField, Value
from django.utils import timezone

from deployments.clients import provider, using_transport
from deployments.models import Change, Deployment, Service
from deployments.operations import requests
from deployments.operations import worker as change_worker
from deployments.operations.plan import Plan
from deployments.operations.steps import send_order
from deployments.providers import http
from deployments.providers.public import version_check
from deployments.sandbox.clock import Pace
from deployments.sandbox.company.companies import small_company
from deployments.sandbox.rows import ApiRefusal
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.transport import SandboxTransport
from deployments.sandbox.world import World
from deployments.sync import poll
from rollback_portal.audit.record import Actor
from rollback_portal.jobs import clock
from rollback_portal.jobs.process import liveness, shutdown
from tests import factories
from tests.deployments.conftest import Portal
from tests.deployments.operations.model.clock import Clock
from tests.deployments.operations.model.worker import Worker, open_until_gone

GIVES_UP_AFTER = 15.0  # seconds: the client's own read time-out
FIRST_BYTE = "http11.send_request_headers.started"  # what the real pool says at that moment


@dataclass(frozen=True, slots=True)
class Order:
    """A traffic-changing POST that the provider applied, with the change it belongs to."""

    change: int
    deployment: str
    at: float
    created_id: str  # the new deployment's id at Render, the target's at Vercel


class Stage:
    """The sandbox, the network to it and the clock; `begin` resets all of them."""

    def __init__(self, settings: Any) -> None:
        self.clock = Clock()
        self.skew = timedelta()  # that the portal's own clock is ahead
        self.active_worker: Worker | None = None
        self.seen: Counter[str] = Counter()
        self.lives = 0
        self.events = 0
        self.statements = 0
        self.wire = Wire(self, Sandbox(small_company(clock=self.clock, pace=Pace.fast())))
        self.portal = Portal(self.wire.sandbox, factories.person(), settings)
        self.depth = len(connection.savepoint_ids)

    def open(self) -> None:
        """Sync the company for the first time, and save that state."""
        for name in ("render", "vercel"):
            poll.read_services(name, provider(name))
            poll.read_provider(name, provider(name))
        self.save_start()

    def save_start(self) -> None:
        """Save the current state as the start of every life."""
        self.plans = {service.name: self.open_dialog(service.name) for service in Service.objects.followed()}
        self.world = json.dumps(self.wire.sandbox.world.to_json())
        self.moment = self.clock.passed
        self.savepoint = transaction.savepoint()

    def begin(self) -> None:
        """Start a life on clean rows, even if the last one was interrupted in the middle of a statement.

        That happens when the run is ended from outside: Hypothesis repeats a life after a SystemExit, and
        then "current transaction is aborted" would hide the cause.
        """
        transaction.set_rollback(False)
        transaction.savepoint_rollback(self.savepoint)
        self.lives += 1
        self.clock.passed = self.moment
        world = World.from_json(json.loads(self.world), clock=self.clock, pace=Pace.fast())
        self.wire.begin(Sandbox(world))
        self.portal.sandbox = self.wire.sandbox
        self.active_worker = None
        self.skew = timedelta()
        self.outside_changes: list[float] = []
        self.late_arrivals: list[str] = []

    def set_clocks(self, portal: int, header: int | None, records: int) -> None:
        """Set how many seconds each of the three clocks is ahead; None: there is no `Date` header."""
        self.skew = timedelta(seconds=portal)
        world, ahead = self.wire.sandbox.world, timedelta(seconds=records)
        world.clock = lambda: self.clock() + ahead
        date = None if header is None else timedelta(seconds=header)
        self.wire.sandbox.date = lambda: None if date is None else self.clock() + date

    def portal_time(self) -> datetime:
        return self.clock() + self.skew

    def database_time(self) -> Value:
        return Value(self.clock(), output_field=DateTimeField())

    def count(self, what: str) -> None:
        self.seen[what] += 1

    def count_endings(self, rows: Iterable[Change]) -> None:
        for row in rows:
            self.count(f"ended: {row.status}")
            self.seen["sent again after a read-back"] += row.resends
            self.seen["a lost answer"] += "lost answer" in row.evidence
            self.seen["a worker was stalled"] += "is alive, but has not renewed its lease" in row.message

    def statement(self, execute: Callable[..., Any], *rest: Any) -> Any:
        self.statements += 1
        if self.active_worker is not None:
            self.active_worker.count_statement()
        return execute(*rest)

    # --- time ---

    def asked_to_stop(self, within: float = 0.0) -> bool:
        """Stands in for `shutdown.requested`, which is also how a worker waits."""
        if self.active_worker is not None:
            return self.active_worker.asked_to_stop(within)
        self.advance(within)
        return False

    def advance(self, seconds: float) -> None:
        """Let time pass, and deliver late orders that are due."""
        until = self.clock.passed + max(seconds, 0.0)
        while self.wire.late and self.wire.late[0][0] <= until:
            at, request, change = self.wire.late.pop(0)
            self.clock.passed = max(at, self.clock.passed)
            with suppress(httpx.HTTPError):  # its sender has given up
                self.wire.deliver(request, change)
            self.count("a late order arrives")
        self.clock.passed = max(until, self.clock.passed)

    # --- what people see and do ---

    def open_dialog(self, name: str) -> Plan:
        """Return the plan of the dialog for the deployment that was live before."""
        service = Service.objects.select_related("live").get(name=name)
        return self.portal.plan(service, self.portal.candidate(service))

    def confirm(self, plan: Plan, key: UUID) -> Change:
        """Send the dialog's form."""
        ana = Actor.of(self.portal.ana)
        operation = requests.request_operation(
            ana, plan, idempotency_key=key, reason="errors", reason_detail="500s", incident="INC-413"
        )
        return operation.change

    def roll_back_in_dashboard(self, name: str) -> None:
        """Roll back in the provider's own dashboard, to a deployment that no operation requests."""
        rows = Deployment.objects.filter(service__name=name, served=True, production=True)
        rows = rows.exclude(commit_sha="").filter(live_since=None)
        target = rows.order_by("-created_at")[3].provider_id
        with suppress(ApiRefusal):  # Vercel refuses while another rollback is in progress
            self.wire.sandbox.world.somebody_rolls_back(name, target)
            self.outside_changes.append(self.clock.passed)
            self.count("rolled back in the dashboard")

    def push(self, name: str) -> None:
        if self.wire.sandbox.world.somebody_pushes(name) is not None:
            self.outside_changes.append(self.clock.passed)
            self.count("pushed")

    def reached_users(self, order: Order) -> bool:
        """Return whether users were served the deployment of the order."""
        world = self.wire.sandbox.world
        world.settle()
        owner = world.services[world.deployments[order.created_id].service_id]
        later = [
            other.at
            for other in self.wire.orders
            if other.created_id == order.created_id and other.at > order.at
        ]
        until = min(later, default=math.inf)  # from then on, the later order counts
        return any(
            created_id == order.created_id and order.at <= at < until for at, created_id in owner.live_history
        )


@contextmanager
def set_up(settings: Any) -> Iterator[Stage]:
    """Patch the portal to use the clock, network and statement hook of a stage."""
    settings.REDIS_URL = ""
    stage = Stage(settings)
    logging.disable(logging.WARNING)  # thousands of lines about what the model does to the workers
    with pytest.MonkeyPatch.context() as patch, using_transport(stage.wire):
        patch.setattr(timezone, "now", stage.portal_time)
        patch.setattr(clock, "now", stage.clock)
        patch.setattr(clock, "within_statement", stage.database_time)
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
    """The network between portal and sandbox, where workers stop and orders are lost or late."""

    def __init__(self, stage: Stage, sandbox: Sandbox) -> None:
        self.stage = stage
        self.begin(sandbox)

    def begin(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.sandbox_transport = SandboxTransport(sandbox)
        self.orders: list[Order] = []
        self.late: list[tuple[float, httpx.Request, int]] = []
        self.next_is_late: float | None = None
        self.overlapping_orders: list[int] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        worker = self.stage.active_worker
        if worker is None:
            return self.sandbox_transport.handle_request(request)
        worker.reach("request")
        if request.method != "POST" or "/rollback" not in request.url.path:
            return self.sandbox_transport.handle_request(request)
        worker.reach("order")
        request.extensions.get("trace", lambda *_: None)(FIRST_BYTE, {})
        worker.reach("bytes")
        try:
            return self._order(request, worker.pk)
        finally:
            worker.reach("answer")

    def _order(self, request: httpx.Request, change: int) -> httpx.Response:
        self.overlapping_orders += [change for _, _, other in self.late if other == change]
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
            return self.sandbox_transport.handle_request(request)
        finally:
            for entry in world.received[before:]:
                if entry.applied:
                    self._carried_out(entry.service, entry.deployment, change, at)

    def _carried_out(self, service: str, deployment: str, change: int, at: float) -> None:
        world = self.sandbox.world
        created_id = (
            world.history[service][-1].id if world.services[service].provider == "render" else deployment
        )
        self.orders.append(Order(change, deployment, at, created_id))
        row = Change.objects.get(pk=change)
        if row.ended:
            self.stage.outside_changes.append(self.stage.clock.passed)
            self.stage.late_arrivals.append(row.status)
            self.stage.count("an order arrives after its operation has ended")
