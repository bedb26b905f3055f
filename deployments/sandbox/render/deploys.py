"""Render's calls on deploys: list, order, roll back, cancel. Reference: https://api-docs.render.com/reference"""

from __future__ import annotations

from typing import Any

from deployments.sandbox.render import json as shape
from deployments.sandbox.render.json import ACTOR
from deployments.sandbox.rows import Deployment, Refusal, Service
from deployments.sandbox.server.http import Answer, Request, Route, route
from deployments.sandbox.world import World


class RenderDeploys:
    def __init__(self, world: World) -> None:
        self.world = world
        one = "/v1/services/{service_id}"
        self.routes: list[Route] = [
            route("GET", f"{one}/deploys", "render.deploys", self.deploys),
            route("POST", f"{one}/deploys", "render.deploy.create", self.create, moves="deploy"),
            route("GET", f"{one}/deploys/{{deploy_id}}", "render.deploy", self.deploy),
            route("POST", f"{one}/deploys/{{deploy_id}}/cancel", "render.cancel", self.cancel),
            route("POST", f"{one}/rollback", "render.rollback", self.rollback, moves="rollback"),
        ]

    def deploys(self, request: Request, service_id: str) -> Answer:
        """Newest first. Reference: https://api-docs.render.com/reference/list-deploys"""
        service = self.world.render.find(service_id)
        statuses = request.every("status")
        rows = [row for row in self.world.newest_first(service) if not statuses or row.status in statuses]
        for name, attribute in (
            ("created", "created_at"),
            ("updated", "updated_at"),
            ("finished", "finished_at"),
        ):
            before, since = request.time(f"{name}Before", 0), request.time(f"{name}After", 0)
            if before:
                rows = [row for row in rows if (getattr(row, attribute) or before) < before]
            if since:
                rows = [row for row in rows if (getattr(row, attribute) or 0) > since]
        limit = request.number("limit", 20, low=1, high=100)
        page = shape.after(rows, request.one("cursor"), lambda row: row.id)[:limit]
        return Answer.json(
            [{"cursor": shape.cursor_of(row.id), "deploy": self._deploy_json(row)} for row in page]
        )

    def deploy(self, request: Request, service_id: str, deploy_id: str) -> Answer:
        return Answer.json(self._deploy_json(self._deploy(service_id, deploy_id)))

    def create(self, request: Request, service_id: str) -> Answer:
        """201 with the deploy, or 202 without a body where it waits behind another one.

        Reference: https://api-docs.render.com/reference/create-deploy
        """
        service = self.world.render.find(service_id)
        wanted = request.fields().get("commitId")
        newest = self.world.history[service.id][-1].commit if self.world.history[service.id] else ""
        commit = self.world.commits.get(str(wanted or newest))
        if commit is None:
            raise Refusal(400, f"commit {wanted} not found")
        self._queue_behind(request, service)
        fate = self._fate(request)
        row = self.world.render.deploy(service, commit, trigger="api", actor=ACTOR, fate=fate)
        return Answer.empty(202) if row.status == "queued" else Answer.json(self._deploy_json(row), 201)

    def rollback(self, request: Request, service_id: str) -> Answer:
        """A new deploy with the old build; automatic deploys stay as they are.

        Reference: https://api-docs.render.com/reference/rollback-deploy
        """
        service = self.world.render.find(service_id)
        target_id = request.fields().get("deployId")
        if not isinstance(target_id, str) or not target_id:
            raise Refusal(400, "deployId is required")
        self.world.find_deployment(service, target_id)
        self._queue_behind(request, service)
        row = self.world.render.roll_back(
            service,
            target_id,
            actor=ACTOR,
            fate=self._fate(request),
            truth_after=request.seconds.get("lie_live"),
        )
        return Answer.json(self._deploy_json(row), 201)

    def cancel(self, request: Request, service_id: str, deploy_id: str) -> Answer:
        """Reference: https://api-docs.render.com/reference/cancel-deploy"""
        row = self._deploy(service_id, deploy_id)
        self.world.render.cancel(self.world.render.find(service_id), row)
        return Answer.json(self._deploy_json(row))

    def _queue_behind(self, request: Request, service: Service) -> None:
        if "queue_behind" in request.wishes and not self.world.render.running(service):
            newest = self.world.commits[self.world.history[service.id][-1].commit]
            self.world.render.deploy(service, newest, trigger="manual", actor="dmitri")

    def _fate(self, request: Request) -> str:
        wishes = {"lie_live": "lies", "fail": "update_failed", "stuck": "stuck"}
        return next((fate for wish, fate in wishes.items() if wish in request.wishes), "")

    # --- inside ---

    def _deploy(self, service_id: str, deploy_id: str) -> Deployment:
        return self.world.find_deployment(self.world.render.find(service_id), deploy_id)

    def _deploy_json(self, row: Deployment) -> dict[str, Any]:
        return shape.deploy_json(self.world, row)
