"""Both providers, each with a real client above the sandbox, so that one test can speak of either."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deployments.providers.base import Accepted, OrderRecord, Provider, RemoteDeployment
from deployments.providers.render.client import Render, open_render
from deployments.providers.vercel.client import Vercel, open_vercel
from deployments.providers.version_check import ServedAnswer, open_public, who_serves
from deployments.sandbox.clock import Pace, StoppedClock
from deployments.sandbox.company.story import small_company
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.faults import Fault
from deployments.sandbox.server.transport import RENDER_URL, VERCEL_URL, SandboxTransport
from deployments.sandbox.world import World

LONG_ENOUGH = 20  # seconds of the sandbox's time in which everything at this pace ends
REASON = "Checkout answers 500"

Side = Literal["render", "vercel"]


@dataclass
class Bench:
    """One provider of a fresh sandbox: its client, its service, what is live, what one could go back to."""

    side: Side
    client: Provider
    world: World
    clock: StoppedClock
    sandbox: Sandbox
    name: str
    service_id: str
    live: RemoteDeployment
    target: RemoteDeployment
    other: RemoteDeployment  # another one to go back to

    def order_record(self, kind: str = "rollback", deployment: RemoteDeployment | None = None) -> OrderRecord:
        """What the portal writes down before it sends the order."""
        target = deployment or self.target
        order_intent_at = self.client.current(self.service_id).provider_time
        assert order_intent_at
        page = self.client.deployments(self.service_id, limit=10)
        known = tuple(deployment.id for deployment in page.deployments)
        return OrderRecord(
            kind, self.service_id, target.id, order_intent_at, commit_sha=target.commit_sha, known=known
        )

    def order(self) -> Accepted:
        return self.client.roll_back(self.service_id, self.target.id, reason=REASON)

    def wait(self, seconds: float = LONG_ENOUGH) -> None:
        self.clock.advance(seconds)
        self.world.settle()

    def fault(
        self, on: str, do: str, *, detail: str = "", seconds: float | None = None, times: int | None = 1
    ) -> None:
        """`on` is the operation without the provider's name."""
        self.sandbox.faults.add(Fault(f"{self.side}.{on}", do, times=times, seconds=seconds, detail=detail))

    def posts(self) -> int:
        """Traffic-changing POSTs that arrived, done or not."""
        return len(self.sandbox.applied)

    def served(self) -> ServedAnswer:
        addresses = self.client.service(self.service_id).addresses
        return who_serves(addresses, client=open_public(transport=SandboxTransport(self.sandbox)))

    def really_serves(self, deployment: RemoteDeployment) -> bool:
        return self.world.serving(self.name).commit == deployment.commit_sha


def bench(side: Side) -> Bench:
    clock = StoppedClock()
    world = small_company(clock=clock, pace=Pace.fast())
    sandbox = Sandbox(world)
    client: Provider = render(sandbox) if side == "render" else vercel(sandbox)
    service = client.services()[0]
    current = client.current(service.id)
    shown = client.deployments(service.id).deployments
    live = next(deployment for deployment in shown if deployment.id == current.live_id)
    earlier = [d for d in shown if d.served and d.commit_sha != live.commit_sha]
    target, other = earlier[0], earlier[2]
    return Bench(side, client, world, clock, sandbox, service.name, service.id, live, target, other)


def render(sandbox: Sandbox) -> Render:
    return open_render(RENDER_URL, "rnd_sandbox", transport=SandboxTransport(sandbox))


def vercel(sandbox: Sandbox) -> Vercel:
    return open_vercel(VERCEL_URL, "vcp_sandbox", "team_sandbox", transport=SandboxTransport(sandbox))
