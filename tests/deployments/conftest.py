"""The portal on a sandbox of its own, in this process: real clients, real rows, nothing on the network."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from redis import Redis

from deployments.clients import provider, through
from deployments.models import Change, Deployment, Kind, Service
from deployments.operations import requests, worker
from deployments.operations.plan import Plan, make_plan
from deployments.sandbox.clock import Pace
from deployments.sandbox.company.story import small_company
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.transport import SandboxTransport
from deployments.sync import poll
from rollback_portal.accounts.models import User
from rollback_portal.audit.record import Actor
from tests import factories

LONGEST = 20.0  # seconds; a change in the sandbox takes a fraction of one


@dataclass
class Portal:
    """What a test wants to say about the portal and the world it looks at."""

    sandbox: Sandbox
    ana: User
    settings: Any

    @property
    def world(self) -> Any:
        return self.sandbox.world

    @property
    def api(self) -> Service:
        return Service.objects.select_related("live").get(name="shop-api")

    @property
    def web(self) -> Service:
        return Service.objects.select_related("live").get(name="shop-web")

    def service(self, name: str) -> Service:
        return self.api if name == "render" else self.web

    def read(self) -> None:
        """Read both providers, as the workers do all the time."""
        for name in ("render", "vercel"):
            poll.read_provider(name, provider(name))

    def candidate(self, service: Service) -> Deployment:
        """The deployment that served before the live one."""
        from deployments.history import previous

        found = previous(service)
        assert found is not None
        return found

    def plan(self, service: Service, target: Deployment | None, kind: str = Kind.ROLL_BACK) -> Plan:
        pin, active = requests.standing_pin(service), requests.active_change(service)
        return make_plan(Kind(kind), service, target, active, pin)

    def ask(self, service: Service, target: Deployment | None, kind: str = Kind.ROLL_BACK) -> Change:
        plan = self.plan(service, target, kind)
        operation = requests.request(
            Actor.of(self.ana),
            plan,
            key=uuid4(),
            reason="errors",
            words="500s on checkout",
            incident="INC-413",
        )
        return operation.change

    def run(self, change: Change) -> Change:
        """Work on it as a worker does until it ends or is handed back."""
        worker.run(change.pk, seconds=LONGEST, longest_wait=0.3)
        return Change.objects.shown().get(pk=change.pk)

    def finish(self, change: Change) -> Change:
        """Work on it until it has ended, however often it is handed back meanwhile."""
        deadline = time.monotonic() + LONGEST
        while time.monotonic() < deadline:
            change = self.run(change)
            if not change.active:
                return change
            Change.objects.filter(pk=change.pk).update(not_before=None)
        raise AssertionError(f"still {change.status}: {change.message}")

    def roll_back(self, name: str) -> Change:
        service = self.service(name)
        return self.finish(self.ask(service, self.candidate(service)))

    def wait_until_it_serves(self, name: str, target: Deployment) -> None:
        """Let what somebody did in the provider's dashboard come through."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            self.world.settle()
            if self.world.serving(name).commit == target.commit_sha:
                return
        raise AssertionError("the dashboard's rollback did not come through")

    def settle_for(self, seconds: int) -> None:
        """How long a lost order may still surface."""
        self.settings.SETTLE_SECONDS = seconds

    def posts(self) -> list[dict[str, Any]]:
        """The traffic-changing calls that reached the provider."""
        return self.sandbox.applied


@pytest.fixture
def portal(db: None, settings: Any) -> Iterator[Portal]:
    """Both providers discovered and read; the API's newest deployment is the bad one."""
    with opened(settings) as ready:
        yield ready


@contextmanager
def opened(settings: Any) -> Iterator[Portal]:
    """The portal on whatever database there is, with a sandbox behind it."""
    settings.SETTLE_SECONDS = 0
    start_with_a_full_budget()
    sandbox = Sandbox(small_company(pace=Pace.instant()))
    with through(SandboxTransport(sandbox)):
        factories.at_work()
        for name in ("render", "vercel"):
            poll.read_services(name, provider(name))
        ready = Portal(sandbox, factories.person("responder", "Ana Ruiz"), settings)
        ready.read()
        yield ready


def start_with_a_full_budget() -> None:
    """The rate budget is shared through Redis; one test must not use up the next one's."""
    with Redis.from_url(django_settings.REDIS_URL) as redis:
        for key in redis.scan_iter("budget:*"):
            redis.delete(key)
