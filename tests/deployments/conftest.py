"""The portal in this process with a sandbox of its own: real clients and rows, but no network."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from redis import Redis

from deployments.clients import provider
from deployments.models import Change, Deployment, OperationKind, Service
from deployments.operations import requests, worker
from deployments.operations.plan import Plan, make_plan
from deployments.operations.previous import previous
from deployments.operations.steps import ChangeContext
from deployments.providers.base import Urgency
from deployments.sandbox.server.app import Sandbox
from deployments.sync import poll
from rollback_portal.accounts.models import User
from rollback_portal.audit.record import Actor
from rollback_portal.jobs import queue
from tests import factories
from tests.deployments.company import read_company

LONGEST = 20.0  # seconds; a change in the sandbox takes a fraction of one
BOTH = pytest.mark.parametrize("name", ["render", "vercel"])


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

    def plan(
        self,
        service: Service,
        target: Deployment | None,
        kind: str = OperationKind.ROLL_BACK,
        **choices: bool,
    ) -> Plan:
        pin, active = service.standing_pin, requests.active_change(service)
        return make_plan(OperationKind(kind), service, target, active, pin, **choices)

    def ask(
        self,
        service: Service,
        target: Deployment | None,
        kind: str = OperationKind.ROLL_BACK,
        **choices: bool,
    ) -> Change:
        plan = self.plan(service, target, kind, **choices)
        operation = requests.request_operation(
            Actor.of(self.ana),
            plan,
            idempotency_key=uuid4(),
            reason="errors",
            reason_detail="500s on checkout",
            incident="INC-413",
        )
        return operation.change

    def claimed(self, name: str) -> ChangeContext:
        """A rollback that a worker has claimed and not begun."""
        service = self.service(name)
        change = queue.claim(Change.objects.shown(), self.ask(service, self.candidate(service)).pk)
        assert change is not None
        return ChangeContext(change, provider(name, Urgency.OPERATION))

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

    def stop_errors(self, name: str) -> None:
        """What is live answers every request well from now on, and so does what is built of it."""
        live = self.service(name).live
        assert live is not None
        self.world.deployments[live.provider_id].error_rate = 0.0

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

    def redeploy(self, name: str) -> None:
        """Somebody changes a variable: the live commit is built with it, at Vercel only when told to."""
        service = self.service(name)
        commit = self.world.commits[self.world.serving(service.name).commit]
        self.world.somebody_changes_environment(service.name, "STRIPE_KEY")
        if name == "vercel":
            row = self.world.service(service.name)
            self.world.vercel.build(row, commit, source="redeploy", actor="chioma")
        deadline = time.monotonic() + LONGEST
        while self.service(name).live_id == service.live_id:
            assert time.monotonic() < deadline, "the new build did not go live"
            self.read()

    def settle_for(self, seconds: int) -> None:
        """Set how long after a lost answer the order may still show up."""
        self.settings.SETTLE_SECONDS = seconds

    def posts(self) -> list[dict[str, Any]]:
        """The calls that reached the provider and change traffic."""
        return self.sandbox.applied


def die(held: ChangeContext) -> Change:
    """Let the lease of a dead worker run out."""
    Change.objects.filter(pk=held.change.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    return held.change


@pytest.fixture
def api(db: None) -> Service:
    """A followed API on Render, without deployments."""
    return factories.service("api")


@pytest.fixture
def web(db: None) -> Service:
    """A followed web project on Vercel, without deployments."""
    return factories.service("web", display_name="Web")


@pytest.fixture
def live_api(db: None) -> Service:
    """An API with a live deployment, and an older one to go back to."""
    service = factories.service("api", display_name="API")
    factories.provider_status("render")
    factories.deployment(service, "Fix price rounding", created_at=factories.ago(days=2))
    factories.live(service)
    return service


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
