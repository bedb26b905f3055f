"""The portal in this process with a sandbox of its own: real clients and rows, but no network."""

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

from deployments.clients import provider
from deployments.history import previous
from deployments.models import Change, Deployment, OperationKind, Service
from deployments.operations import requests, worker
from deployments.operations.plan import Plan, make_plan
from deployments.sandbox.server.app import Sandbox
from deployments.sync import poll
from rollback_portal.accounts.models import User
from rollback_portal.audit.record import Actor
from tests import factories
from tests.deployments.company import read_company

LONGEST = 20.0  # seconds; a change in the sandbox takes a fraction of one


@dataclass
class Portal:
    """What a test does with the portal, and the simulated providers behind it."""

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
        """Read both providers, as the workers do regularly."""
        for name in ("render", "vercel"):
            poll.read_provider(name, provider(name))

    def candidate(self, service: Service) -> Deployment:
        """The deployment that was live before the current one."""
        deployment = previous(service)
        assert deployment is not None
        return deployment

    def plan(self, service: Service, target: Deployment | None, kind: str = OperationKind.ROLL_BACK) -> Plan:
        pin, active = service.standing_pin, requests.active_change(service)
        return make_plan(OperationKind(kind), service, target, active, pin)

    def ask(self, service: Service, target: Deployment | None, kind: str = OperationKind.ROLL_BACK) -> Change:
        plan = self.plan(service, target, kind)
        operation = requests.request_operation(
            Actor.of(self.ana),
            plan,
            idempotency_key=uuid4(),
            reason="errors",
            reason_detail="500s on checkout",
            incident="INC-413",
        )
        return operation.change

    def run(self, change: Change) -> Change:
        """Work on it like a worker, until it ends or is handed back."""
        worker.run(change.pk, seconds=LONGEST, longest_wait=0.3)
        return Change.objects.shown().get(pk=change.pk)

    def finish(self, change: Change) -> Change:
        """Work on it until it has ended, however often it is handed back."""
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
        """Wait until a rollback in the provider's dashboard has taken effect."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            self.world.settle()
            if self.world.serving(name).commit == target.commit_sha:
                return
        raise AssertionError("the rollback in the dashboard did not take effect")

    def settle_for(self, seconds: int) -> None:
        """Set how long after a lost answer the order may still show up."""
        self.settings.SETTLE_SECONDS = seconds

    def posts(self) -> list[dict[str, Any]]:
        """The calls that reached the provider and change traffic."""
        return self.sandbox.applied


@pytest.fixture
def api(db: None) -> Service:
    """A followed API on Render, without deployments."""
    return factories.service("api")


@pytest.fixture
def portal(db: None, settings: Any) -> Iterator[Portal]:
    """The portal after it has discovered and read both providers."""
    with opened(settings) as ready:
        yield ready


@contextmanager
def opened(settings: Any) -> Iterator[Portal]:
    """The portal on the current database, with a sandbox as its providers."""
    settings.SETTLE_SECONDS = 0
    reset_rate_limits()
    with read_company() as sandbox:
        factories.heartbeats()
        yield Portal(sandbox, factories.person("responder", "Ana Ruiz"), settings)


def reset_rate_limits() -> None:
    """The rate limits are counted in Redis; one test must not use up those of the next."""
    with Redis.from_url(django_settings.REDIS_URL) as redis:
        for key in redis.scan_iter("rate-limit:*"):
            redis.delete(key)
