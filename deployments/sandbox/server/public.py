"""The public addresses of the company, answered by the deployment that really serves.

Every response names its version in `X-Version` (the full commit) and `X-Deployment`, errors too.
"""

from __future__ import annotations

import html

from deployments.sandbox import traffic
from deployments.sandbox.rows import DeploymentRow, ServiceRow
from deployments.sandbox.server.http import Request, SandboxResponse
from deployments.sandbox.vercel.rolling import STAGES
from deployments.sandbox.world import World

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{name}</title>
<h1>{name}</h1>
<p>{words}</p>
<p>Version <code>{sha}</code>: {subject}</p>
"""


class PublicPages:
    """Answers visitors' requests."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._requests: dict[str, int] = {}  # of projects with a rolling release
        self._owed: dict[str, float] = {}  # errors since the beginning, by deployment

    def owner(self, host: str) -> tuple[ServiceRow, DeploymentRow] | None:
        """The service and deployment that answer for a host; None for a host that is not the company's."""
        for service in self.world.services.values():
            if host in service.domains:
                serving = self._alias(service, host) if service.provider == "vercel" else service.serving()
                return (service, self.world.deployments[serving]) if serving else None
        if host.endswith(".vercel.app"):
            for deployment in self.world.deployments.values():
                if deployment.url == host:
                    return self.world.services[deployment.service_id], deployment
        return None

    def _alias(self, project: ServiceRow, host: str) -> str | None:
        """Where a domain points; during a rolling release the canary answers its share of the requests."""
        release = self.world.vercel.rolling.active(project)
        if release is None:
            return project.aliases.get(host)
        self._requests[project.id] = number = self._requests.get(project.id, 0) + 1
        share = STAGES[0]["targetPercentage"] / 100
        is_canary = int(number * share) != int((number - 1) * share)
        return str(release["canary"]) if is_canary else project.aliases.get(host)

    def operation(self, request: Request) -> str:
        return "public.health" if request.path == "/healthz" else "public.page"

    def answer(self, request: Request, service: ServiceRow, deployment: DeploymentRow) -> SandboxResponse:
        commit = self.world.commits[deployment.commit]
        headers = [("X-Version", commit.sha), ("X-Deployment", deployment.id), ("Cache-Control", "no-store")]
        if deployment.status not in ("READY", "live", "deactivated"):
            return self._page(
                service, commit.sha, commit.subject, "This deployment is not ready.", 404, headers
            )
        if request.path == "/healthz":
            return SandboxResponse.json({"status": "ok", "version": commit.sha}, headers=headers)
        if self._fails(service, deployment):
            words = "Internal Server Error"
            return self._page(service, commit.sha, commit.subject, words, 500, headers)
        return self._page(service, commit.sha, commit.subject, "It works.", 200, headers)

    def _fails(self, service: ServiceRow, deployment: DeploymentRow) -> bool:
        """Spread the errors evenly and not at random, so that 8% are 8 of every 100."""
        error_rate, _ = traffic.behaviour_at(service, deployment, self.world.now())
        owed = self._owed.get(deployment.id, 0.0)
        self._owed[deployment.id] = due = round(owed + error_rate, 9)
        return int(due) != int(owed)

    def _page(
        self,
        service: ServiceRow,
        sha: str,
        subject: str,
        words: str,
        status: int,
        headers: list[tuple[str, str]],
    ) -> SandboxResponse:
        text = PAGE.format(name=html.escape(service.name), words=words, sha=sha, subject=html.escape(subject))
        return SandboxResponse.html(text, status, headers)
