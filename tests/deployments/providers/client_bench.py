"""A provider's real client above the sandbox, so that one test can run against either provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deployments.providers.base import Accepted, OrderRecord, Provider, RemoteDeployment
from deployments.providers.public.version_check import VersionCheckResult, check_version, open_public_client
from deployments.providers.render.client import Render, open_render
from deployments.providers.vercel.client import Vercel, open_vercel
from deployments.sandbox.clock import Pace, StoppedClock
from deployments.sandbox.company.companies import small_company
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.faults import Fault
from deployments.sandbox.server.transport import RENDER_URL, VERCEL_URL, SandboxTransport
from deployments.sandbox.world import World

LONG_ENOUGH = 20  # seconds on the sandbox's clock after which everything has ended at this pace
REASON = "Checkout answers 500"

ProviderKey = Literal["render", "vercel"]


@dataclass
class ClientBench:
    """One provider of a fresh sandbox: client, service, live deployment and two rollback targets."""

    provider: ProviderKey
    client: Provider
    world: World
    clock: StoppedClock
    sandbox: Sandbox
    name: str
    service_id: str
    live: RemoteDeployment
    target: RemoteDeployment
    other: RemoteDeployment  # a second rollback target

    def order_record(self, kind: str = "rollback", deployment: RemoteDeployment | None = None) -> OrderRecord:
        """What the portal stores before it sends an order."""
        target = deployment or self.target
        current = self.client.current(self.service_id)
        page = self.client.deployments(self.service_id)
        return OrderRecord(
            kind,
            self.service_id,
            target.id,
            current.provider_time or self.clock(),
            commit_sha=target.commit_sha,
            known=tuple(deployment.id for deployment in page.deployments),
            image=target.image,
            live_before=current.live_id or "",
            auto_deploy=current.auto_deploy or "",
            last_move=current.alias_request.identity if current.alias_request else "",
        )

    def order(self) -> Accepted:
        return self.client.roll_back(self.service_id, self.target.id, reason=REASON)

    def wait(self, seconds: float = LONG_ENOUGH) -> None:
        self.clock.advance(seconds)
        self.world.settle()

    def fault(
        self, on: str, do: str, *, detail: str = "", seconds: float | None = None, times: int | None = 1
    ) -> None:
        """Make a call fail; `on` is the operation without the provider's name."""
        self.sandbox.faults.add(
            Fault(f"{self.provider}.{on}", do, times=times, seconds=seconds, detail=detail)
        )

    def orders_received(self) -> int:
        """Count of the traffic-changing POSTs that arrived, applied or not."""
        return len(self.sandbox.applied)

    def check_version(self) -> VersionCheckResult:
        addresses = self.client.service(self.service_id).addresses
        return check_version(addresses, client=open_public_client(transport=SandboxTransport(self.sandbox)))

    def really_serves(self, deployment: RemoteDeployment) -> bool:
        return self.world.serving(self.name).commit == deployment.commit_sha


def make_bench(provider: ProviderKey) -> ClientBench:
    clock = StoppedClock()
    world = small_company(clock=clock, pace=Pace.fast())
    sandbox = Sandbox(world)
    client: Provider = render(sandbox) if provider == "render" else vercel(sandbox)
    service = client.services()[0]
    current = client.current(service.id)
    deployments = client.deployments(service.id).deployments
    live = next(deployment for deployment in deployments if deployment.id == current.live_id)
    earlier = [d for d in deployments if d.served and d.commit_sha != live.commit_sha]
    target, other = earlier[0], earlier[2]
    return ClientBench(provider, client, world, clock, sandbox, service.name, service.id, live, target, other)


def render(sandbox: Sandbox) -> Render:
    return open_render(RENDER_URL, "rnd_sandbox", transport=SandboxTransport(sandbox))


def vercel(sandbox: Sandbox) -> Vercel:
    return open_vercel(VERCEL_URL, "vcp_sandbox", "team_sandbox", transport=SandboxTransport(sandbox))
