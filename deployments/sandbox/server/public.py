"""The public addresses: what a visitor gets from whichever deployment really serves.

Every page names its version in `X-Version` (the full commit) and `X-Deployment`, also when it fails.
"""

from __future__ import annotations

import html

from deployments.sandbox.rows import Deployment, Service
from deployments.sandbox.server.http import Answer, Request
from deployments.sandbox.world import World

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{name}</title>
<h1>{name}</h1>
<p>{words}</p>
<p>Version <code>{sha}</code>: {subject}</p>
"""


class PublicPages:
    def __init__(self, world: World) -> None:
        self.world = world
        self._asked: dict[str, int] = {}

    def owner(self, host: str) -> tuple[Service, Deployment] | None:
        """Which service and deployment answer on that host, or None if it is not one of ours."""
        for service in self.world.services.values():
            if host in service.domains:
                serving = service.aliases.get(host) if service.provider == "vercel" else service.serving()
                return (service, self.world.deployments[serving]) if serving else None
        if host.endswith(".vercel.app"):
            for deployment in self.world.deployments.values():
                if deployment.url == host:
                    return self.world.services[deployment.service_id], deployment
        return None

    def operation(self, request: Request) -> str:
        return "public.health" if request.path == "/healthz" else "public.page"

    def answer(self, request: Request, service: Service, deployment: Deployment) -> Answer:
        commit = self.world.commits[deployment.commit]
        headers = [("X-Version", commit.sha), ("X-Deployment", deployment.id), ("Cache-Control", "no-store")]
        if deployment.status not in ("READY", "live", "deactivated"):
            return self._page(
                service, commit.sha, commit.subject, "This deployment is not ready.", 404, headers
            )
        if request.path == "/healthz":
            return Answer.json({"status": "ok", "version": commit.sha}, headers=headers)
        if self._fails(deployment):
            words = "Internal Server Error"
            return self._page(service, commit.sha, commit.subject, words, 500, headers)
        return self._page(service, commit.sha, commit.subject, "It works.", 200, headers)

    def _fails(self, deployment: Deployment) -> bool:
        """An even share of the requests and not a random one, so that 8% are 8 of every 100."""
        number = self._asked.get(deployment.id, 0) + 1
        self._asked[deployment.id] = number
        rate = deployment.error_rate
        return int(number * rate) != int((number - 1) * rate)

    def _page(
        self,
        service: Service,
        sha: str,
        subject: str,
        words: str,
        status: int,
        headers: list[tuple[str, str]],
    ) -> Answer:
        text = PAGE.format(name=html.escape(service.name), words=words, sha=sha, subject=html.escape(subject))
        return Answer.html(text, status, headers)
