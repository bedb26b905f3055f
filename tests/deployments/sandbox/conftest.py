"""A sandbox on a stopped clock, and an HTTP client for each of its two dialects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from deployments.sandbox.app import Sandbox
from deployments.sandbox.company import small_company
from deployments.sandbox.nouns import Deployment, Service
from deployments.sandbox.pace import Pace, StoppedClock
from deployments.sandbox.transport import RENDER_URL, VERCEL_URL, SandboxTransport
from deployments.sandbox.world import World


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def world(clock: StoppedClock) -> World:
    return small_company(clock=clock, pace=Pace.local())


@pytest.fixture
def sandbox(world: World) -> Sandbox:
    return Sandbox(world)


@pytest.fixture
def api(world: World) -> Service:
    return world.service("shop-api")


@pytest.fixture
def web(world: World) -> Service:
    return world.service("shop-web")


@pytest.fixture
def render(sandbox: Sandbox) -> Iterator[httpx.Client]:
    key = {"Authorization": "Bearer rnd_sandbox"}
    with httpx.Client(base_url=RENDER_URL, headers=key, transport=SandboxTransport(sandbox)) as client:
        yield client


@pytest.fixture
def vercel(sandbox: Sandbox) -> Iterator[httpx.Client]:
    key, team = {"Authorization": "Bearer vcp_sandbox"}, {"teamId": "team_sandbox"}
    transport = SandboxTransport(sandbox)
    with httpx.Client(base_url=VERCEL_URL, headers=key, params=team, transport=transport) as client:
        yield client


@pytest.fixture
def visitor(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(transport=SandboxTransport(sandbox)) as client:
        yield client


@pytest.fixture
def earlier(world: World) -> Callable[..., Deployment]:
    """The deployment of a service that served before the live one; 1 is the last one, 2 the one before it."""

    def find(service: Service, back: int = 1) -> Deployment:
        return world.deployments[service.served[-1 - back][1]]

    return find


Json = dict[str, Any]
