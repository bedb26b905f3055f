"""A sandbox on a stopped clock, and an HTTP client for each of its two APIs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from deployments.sandbox.clock import Pace, StoppedClock
from deployments.sandbox.company.companies import small_company
from deployments.sandbox.rows import DeploymentRow, ServiceRow
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.transport import RENDER_URL, VERCEL_URL, SandboxTransport
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
def shop_api(world: World) -> ServiceRow:
    return world.service("shop-api")


@pytest.fixture
def shop_web(world: World) -> ServiceRow:
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
def earlier(world: World) -> Callable[..., DeploymentRow]:
    """Finds the deployment that was live before the present one (1), or before that (2)."""

    def find(service: ServiceRow, back: int = 1) -> DeploymentRow:
        return world.deployments[service.live_history[-1 - back][1]]

    return find


class ProviderCalls:
    """The calls of one provider, so that a test can run against either."""

    def __init__(
        self,
        name: str,
        client: httpx.Client,
        world: World,
        service: ServiceRow,
        earlier: Callable[..., DeploymentRow],
    ) -> None:
        self.name, self.client, self.world, self.service = name, client, world, service
        self.before, self.target = world.deployments[str(service.serving())], earlier(service)

    def roll_back(self, **headers: str) -> httpx.Response:
        if self.name == "render":
            path, body = f"/services/{self.service.id}/rollback", {"deployId": self.target.id}
            return self.client.post(path, json=body, headers=headers)
        path = f"/v1/projects/{self.service.id}/rollback/{self.target.id}"
        return self.client.post(path, headers=headers)

    def read(self) -> httpx.Response:
        path = "/services" if self.name == "render" else "/v9/projects/shop-web"
        return self.client.get(path)

    def live_commit(self) -> str:
        return self.world.serving(self.service.name).commit


@pytest.fixture
def calls(
    provider_name: str,
    render: httpx.Client,
    vercel: httpx.Client,
    world: World,
    shop_api: ServiceRow,
    shop_web: ServiceRow,
    earlier: Callable[..., DeploymentRow],
) -> ProviderCalls:
    client, service = (render, shop_api) if provider_name == "render" else (vercel, shop_web)
    return ProviderCalls(provider_name, client, world, service, earlier)
